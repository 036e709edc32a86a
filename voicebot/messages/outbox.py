"""The way of messages where there is no provider: they are written down, and nothing leaves this machine."""

from __future__ import annotations

from telephony.texting import OutgoingText, TextReceipt, TextStatus


class Outbox:
    """A `MessageSender` that sends nothing. Its messages end in the state OUTBOX, for a person to send by hand."""

    name = "outbox"

    async def send(self, text: OutgoingText) -> TextReceipt:
        return TextReceipt(TextStatus.KEPT)
