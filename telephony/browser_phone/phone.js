// The page's side of a call: one websocket, binary for audio, JSON for everything else.

const TEXTS = {
  zh: {
    title: "浏览器电话", token: "令牌", from: "主叫号码", to: "被叫号码", headers: "附加信息（名=值，逗号分隔）",
    call: "呼叫", hangUp: "挂断", ready: "可以呼叫", microphone: "正在打开麦克风……", ringing: "正在呼叫……",
    talking: "通话中", noMicrophone: "无法使用麦克风：请在浏览器中允许后重试", ended: "通话结束", refused: "未接通",
  },
  en: {
    title: "Browser telephone", token: "Token", from: "Calling number", to: "Called number",
    headers: "Further headers (name=value, separated by commas)", call: "Call", hangUp: "Hang up", ready: "Ready",
    microphone: "Opening the microphone …", ringing: "Calling …", talking: "Talking",
    noMicrophone: "No microphone: allow it in the browser and try again", ended: "The call has ended",
    refused: "Not connected",
  },
};
const language = navigator.language.startsWith("zh") ? "zh" : "en";
const say = TEXTS[language];
const element = (id) => document.getElementById(id);

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
for (const node of document.querySelectorAll("[data-text]")) node.textContent = say[node.dataset.text];
document.title = say.title;

let call = null;

function show(text, talking) {
  element("state").textContent = text;
  element("call").disabled = call !== null;
  element("hang-up").disabled = call === null;
  for (const key of element("keys").children) key.disabled = !talking;
}

function level(meter, samples) {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  meter.value = peak / 32768;
}

function headersOf(text) {
  const pairs = text.split(/[,，]/).map((part) => part.split("=").map((side) => side.trim()));
  return Object.fromEntries(pairs.filter(([name, value]) => name && value));
}

class Call {
  async start(hello) {
    this.context = new AudioContext({ sampleRate: 16000, latencyHint: "interactive" });
    this.microphone = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: false },
    });
    await this.context.audioWorklet.addModule("worklet.js");
    this.phone = new AudioWorkletNode(this.context, "phone", { outputChannelCount: [1] });
    this.phone.connect(this.context.destination);
    this.phone.port.onmessage = ({ data }) => this.fromPhone(data);
    this.reason = say.refused;
    const address = new URL("call", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.tell(hello);
    this.socket.onmessage = ({ data }) => this.fromEngine(data);
    this.socket.onclose = () => this.end();
    show(say.ringing, false);
  }

  tell(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  fromPhone({ audio, mark }) {
    if (mark !== undefined) {
      this.tell({ type: "mark", id: mark });
    } else if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(audio);
      level(element("mine"), new Int16Array(audio));
    }
  }

  fromEngine(data) {
    if (data instanceof ArrayBuffer) {
      const samples = new Int16Array(data);
      level(element("theirs"), samples);
      this.phone.port.postMessage({ audio: samples });
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "answered") {
      // Not before: what is said while it rings is nobody's business.
      this.context.createMediaStreamSource(this.microphone).connect(this.phone);
      this.reason = say.ended;
      show(say.talking, true);
    } else if (message.type === "mark") {
      this.phone.port.postMessage({ mark: message.id });
    } else if (message.type === "clear") {
      this.phone.port.postMessage({ clear: true });
    } else if (message.type === "ended") {
      this.reason = `${this.reason} (${message.cause})`;
    }
  }

  hangUp() {
    this.tell({ type: "hangup" });
    this.socket?.close();
  }

  end() {
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    this.context?.close();
    if (call === this) call = null;
    show(this.reason, false);
  }
}

for (const key of "123456789*0#") {
  const button = document.createElement("button");
  button.textContent = key;
  button.disabled = true;
  button.onclick = () => call?.tell({ type: "dtmf", digit: key });
  element("keys").append(button);
}

document.addEventListener("keydown", ({ key, target }) => {
  if (target.tagName !== "INPUT" && /^[0-9*#]$/.test(key)) call?.tell({ type: "dtmf", digit: key });
});

element("settings").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (call) return;
  call = new Call();
  show(say.microphone, false);
  try {
    await call.start({
      type: "hello",
      token: element("token").value,
      from: element("from").value,
      to: element("to").value,
      headers: headersOf(element("headers").value),
    });
  } catch (error) {
    call.reason = `${say.noMicrophone} (${error.name})`;
    call.end();
  }
});
element("hang-up").addEventListener("click", () => call?.hangUp());

// #token=… fills the form without the token ever standing in a request or a server's log.
const given = new URLSearchParams(location.hash.slice(1));
for (const name of ["token", "from", "to", "headers"]) if (given.has(name)) element(name).value = given.get(name);
history.replaceState(null, "", location.pathname);
show(say.ready, false);
