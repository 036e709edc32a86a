"""What people write when they want no more messages."""

from __future__ import annotations

import re
import unicodedata

_WORDS = frozenset({
    "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "remove",
    "t", "td", "n", "退订", "退定", "停止", "取消", "拒收", "不要",
})  # fmt: skip
"""Whole answers. The English ones are those that Twilio and the CTIA name."""
_PHRASES = re.compile(
    r"退订|拒收|停止发送|(不要|别)再?(给我|跟我)?再?(发|联系|骚扰|打扰)|stop\s+(texting|messaging|contacting|sending)"
    r"|(do\s*not|don'?t)\s+(text|message|contact)|no\s+more\s+(texts?|messages?)|unsubscribe|leave\s+me\s+alone"
)


def wants_no_more(body: str) -> bool:
    """Whether an answer asks for no more messages; in doubt it does."""
    plain = unicodedata.normalize("NFKC", body).casefold().strip()
    bare = re.sub(r"[\s\W_]+", "", plain)
    return bare in _WORDS or _PHRASES.search(plain) is not None
