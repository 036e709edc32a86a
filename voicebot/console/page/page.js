"use strict";

const WORDS = {
  en: {
    halted: "Emergency stop: nobody is dialled.",
    title: "Live calls", token: "API token", show: "Show calls", leave: "Forget token", calls: "Calls",
    none: "No call is live.", choose: "Choose a call to follow it.", live: "live", connecting: "connecting …",
    lost: "connection lost, trying again …", refused: "This token was not accepted.", forbidden: "This token may not watch calls.",
    caller: "Caller", bot: "Bot", agent: "Agent", inbound: "in", outbound: "out", flow: "Flow", state: "State",
    case: "Case", started: "Began", gap: "Some entries were missed.", unreachable: "The engine does not answer.",
    "call.answered": "Answered", "call.ended": "Ended", "caller.gone": "The caller hung up", barge_in: "Caller interrupted",
    "guard.verdict": "Guard", "guard.replaced": "Guard replaced a line", "guard.agent_warning": "Guard warns the agent",
    promise: "Promise recorded", callback: "Callback recorded", plan: "Instalments requested", flag: "Flag",
    "handoff.requested": "Human requested", "handoff.ended": "Handoff", "bridge.started": "Agent connected",
    "bridge.ended": "Agent left", "dtmf.entered": "Keys", disclosure: "Disclosure", limit: "Limit reached", silence: "Silence",
    queue: "Waiting for a human", complaints: "Complaints", overdue: "overdue", owed: "by", urgent: "urgent",
    complaint: "complaint", dispute: "dispute", stop_contact: "no more calls", data_request: "personal data",
    service: "service", legal: "legal", regulator_liaison: "regulator liaison",
    "queue.place": "Told the place in the queue", "queue.left": "Chose to be called back", "case.chosen": "Case found by verification",
  },
  zh: {
    halted: "已紧急停拨：目前不外呼任何人。",
    title: "实时通话", token: "API 令牌", show: "查看通话", leave: "清除令牌", calls: "通话",
    none: "当前没有通话。", choose: "选择一通电话以查看对话。", live: "实时", connecting: "正在连接……",
    lost: "连接中断，正在重试……", refused: "令牌无效。", forbidden: "此令牌无权查看通话。",
    caller: "来电人", bot: "机器人", agent: "人工坐席", inbound: "呼入", outbound: "呼出", flow: "流程", state: "状态",
    case: "案件", started: "开始", gap: "有部分记录未能显示。", unreachable: "引擎没有响应。",
    "call.answered": "已接通", "call.ended": "通话结束", "caller.gone": "对方已挂断", barge_in: "对方打断",
    "guard.verdict": "话术审核", "guard.replaced": "话术已替换", "guard.agent_warning": "提醒坐席注意用语",
    promise: "已记录还款承诺", callback: "已预约回电", plan: "已登记分期申请", flag: "标记",
    "handoff.requested": "请求转人工", "handoff.ended": "转人工结果", "bridge.started": "坐席已接入",
    "bridge.ended": "坐席已退出", "dtmf.entered": "按键", disclosure: "告知", limit: "达到时限", silence: "静默",
    queue: "排队等人工", complaints: "投诉与异议", overdue: "已逾期", owed: "期限", urgent: "紧急",
    complaint: "投诉", dispute: "异议", stop_contact: "停止联系", data_request: "个人信息",
    service: "客服", legal: "法务", regulator_liaison: "监管对接",
    "queue.place": "已告知排队位置", "queue.left": "选择回电，不再排队", "case.chosen": "核实后确定案件",
  },
};
const language = (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
const say = (key) => WORDS[language][key] || key;
const find = (id) => document.getElementById(id);

let token = sessionStorage.getItem("token") || "";
let calls = new Map();
let chosen = null;
let stop = null;
let stopCall = null;

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
document.title = say("title");
for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);

/* The emergency stop is shown to whoever looks, with or without a token. */
async function watchStop() {
  try {
    const state = await (await fetch("readyz")).json();
    find("halted").hidden = state.dialling !== "halted";
  } catch { /* what does not answer is said elsewhere */ }
  setTimeout(watchStop, 5000);
}
watchStop();

class Refused extends Error {
  constructor(status) { super(`status ${status}`); this.status = status; }
}

async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${token}`, ...(options.headers || {}) };
  const response = await fetch(path, { ...options, headers });
  if (!response.ok) throw new Refused(response.status);
  return response;
}

/* Follows an event stream with the token in a header, where EventSource cannot put one; comes back after a loss. */
async function follow(path, signal, onEvent, onLink) {
  let last = "";
  while (!signal.aborted) {
    try {
      const response = await ask(path, { signal, headers: last ? { "Last-Event-ID": last } : {} });
      onLink("live");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let buffer = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        buffer += value;
        let end;
        while ((end = buffer.indexOf("\n\n")) >= 0) {
          const event = { event: "message", data: "" };
          for (const line of buffer.slice(0, end).split("\n")) {
            const colon = line.indexOf(":");
            if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
          }
          buffer = buffer.slice(end + 2);
          if (event.id) last = event.id;
          if (event.data) onEvent(event.event, JSON.parse(event.data));
        }
      }
      if (path !== "api/v1/events") return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && [401, 403, 404].includes(error.status)) { onLink("lost"); return; }
    }
    onLink("lost");
    await new Promise((done) => setTimeout(done, 2000));
  }
}

async function enter() {
  find("refused").textContent = "";
  try {
    const me = await (await ask("api/v1/me")).json();
    if (!me.roles.some((role) => ["operator", "officer", "admin"].includes(role))) throw new Refused(403);
  } catch (error) {
    const key = error instanceof Refused ? (error.status === 403 ? "forbidden" : "refused") : "unreachable";
    leave(say(key));
    return;
  }
  sessionStorage.setItem("token", token);
  find("enter").hidden = true;
  find("desk").hidden = false;
  find("leave").hidden = false;
  find("link").textContent = say("connecting");
  stop = new AbortController();
  watchOwed(stop.signal);
  follow("api/v1/events", stop.signal, (kind, entry) => {
    if (kind !== "entry" || entry.kind.startsWith("call.") || !calls.has(entry.call)) refresh();
    else if (entry.kind === "dialog.decision") { calls.get(entry.call).state = entry.data.state; list(); }
  }, (link) => {
    find("link").textContent = say(link);
    if (link === "live") refresh(); /* what began before the stream did */
  });
}

function leave(why = "") {
  if (stop) stop.abort();
  if (stopCall) stopCall.abort();
  token = "";
  chosen = null;
  sessionStorage.removeItem("token");
  find("desk").hidden = true;
  find("leave").hidden = true;
  find("enter").hidden = false;
  find("link").textContent = "";
  find("refused").textContent = why;
  find("token").value = "";
  find("token").focus();
}

let refreshing = false;
let stale = false;
/* One question at a time; whatever happens while one is under way is asked for again after it. */
async function refresh() {
  stale = true;
  if (refreshing) return;
  refreshing = true;
  try {
    while (stale) {
      stale = false;
      const answer = await (await ask("api/v1/calls?live=true")).json();
      calls = new Map(answer.calls.filter((call) => call.live).map((call) => [call.id, call]));
      list();
    }
  } catch (error) {
    if (error instanceof Refused && error.status === 401) leave(say("refused"));
  } finally {
    refreshing = false;
  }
}

/* Who waits for a human, and what is owed to callers: looked at now and then, for neither hurries. */
async function watchOwed(signal) {
  while (!signal.aborted) {
    try {
      const { waiting } = await (await ask("api/v1/queue", { signal })).json();
      find("queued").textContent = waiting.length ? String(waiting.length) : "";
      find("queue").replaceChildren(...waiting.map((one) =>
        node("li", {}, `${one.call.slice(-8)} · ${one.skill}${one.urgent ? ` · ${say("urgent")}` : ""}`)));
      const { complaints, tiers } = await (await ask("api/v1/complaints?limit=20", { signal })).json();
      const late = tiers.reduce((sum, tier) => sum + tier.overdue, 0);
      find("overdue").textContent = late ? `${late} ${say("overdue")}` : "";
      find("complaints").replaceChildren(...complaints.map((one) =>
        node("li", one.overdue ? { class: "alarm" } : {},
          `${one.reference} · ${say(one.kind)} · ${say(one.tier)} · ${say("owed")} ${one.state === "open" ? one.respond_by : one.answer_by}`)));
    } catch { /* what does not answer is said elsewhere */ }
    await new Promise((resolve) => setTimeout(resolve, 10000));
  }
}

function node(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function list() {
  find("count").textContent = calls.size ? String(calls.size) : "";
  find("none").hidden = calls.size > 0;
  find("calls").replaceChildren(...[...calls.values()].map((call) => {
    const began = new Date(call.started_at);
    const clock = began.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    const button = node("button", { type: "button", "aria-pressed": String(call.id === chosen) },
      node("span", {}, `${say(call.direction)} · ${call.flow}`),
      node("time", { datetime: call.started_at }, clock),
      node("span", { class: "state" }, call.state));
    button.addEventListener("click", () => choose(call.id));
    return node("li", {}, button);
  }));
  if (calls.has(chosen)) facts(calls.get(chosen));
}

function facts(call) {
  const rows = [["flow", call.flow], ["state", call.state], ["case", call.case], ["started", new Date(call.started_at).toLocaleString(document.documentElement.lang)]];
  find("facts").replaceChildren(...rows.filter(([, value]) => value).map(([key, value]) =>
    node("div", {}, node("dt", {}, say(key)), node("dd", {}, value))));
}

function choose(id) {
  chosen = id;
  if (stopCall) stopCall.abort();
  stopCall = new AbortController();
  find("talk").replaceChildren();
  const call = calls.get(id);
  find("call-title").textContent = `${say(call.direction)} · ${id.slice(-8)}`;
  list();
  follow(`api/v1/calls/${encodeURIComponent(id)}/events`, stopCall.signal, (kind, entry) => {
    if (kind === "gap") note(say("gap"), true);
    else show(entry);
  }, () => {});
}

function bubble(side, at, words, id) {
  const minutes = Math.floor(at / 60), seconds = Math.floor(at % 60);
  const who = `${say(side)} · ${minutes}:${String(seconds).padStart(2, "0")}`;
  const item = node("li", { class: side }, node("span", { class: "who" }, who), node("span", { class: "words" }, words));
  if (id) item.id = id;
  append(item);
  return item;
}

function note(text, alarm = false) {
  append(node("li", { class: alarm ? "note alarm" : "note" }, text));
}

function append(item) {
  const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 60;
  find("talk").append(item);
  if (atEnd) window.scrollTo(0, document.body.scrollHeight);
}

function show(entry) {
  const { kind, data, media_seconds: at } = entry;
  switch (kind) {
    case "turn.heard": case "turn.backchannel": case "turn.kept": bubble("caller", at, data.text); break;
    case "agent.said": bubble("agent", at, data.text); break;
    case "line.said": bubble("bot", at, data.text, `line-${data.number}`).classList.add("waiting"); break;
    case "line.heard": {
      const item = find(`line-${data.number}`);
      if (!item) break;
      item.classList.remove("waiting");
      if (!data.complete) {
        item.lastElementChild.replaceChildren(data.text || "", node("span", { class: "unsaid" }, data.unsaid_text || ""));
      }
      break;
    }
    case "guard.verdict": if (data.action && data.action !== "allow") note(`${say(kind)}: ${data.action} · ${data.category || ""}`, true); break;
    case "guard.agent_warning": case "limit": note(`${say(kind)} ${data.category || data.limit || ""}`, true); break;
    case "disclosure": note(`${say(kind)}: ${data.id || ""} ${data.status || ""}`, data.status === "missed"); break;
    case "dtmf.entered": note(`${say(kind)}: ${data.digits}`); break;
    case "promise": note(`${say(kind)}: ${data.on || ""} ${data.amount || ""}`); break;
    case "call.ended": note(`${say(kind)}: ${data.disposition || ""}`); break;
    case "handoff.ended": note(`${say(kind)}: ${data.outcome || ""}`); break;
    case "queue.place": note(`${say(kind)}: ${data.ahead}`); break;
    case "flag": note(`${say(kind)}: ${data.flag || ""}`); break;
    case "call.answered": case "caller.gone": case "barge_in": case "guard.replaced": case "callback": case "plan":
    case "queue.left": case "case.chosen": case "handoff.requested": case "bridge.started": case "bridge.ended": case "silence": note(say(kind)); break;
  }
}

find("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  token = find("token").value.trim();
  enter();
});
find("leave").addEventListener("click", () => leave());
if (token) enter(); else { find("enter").hidden = false; find("token").focus(); }
