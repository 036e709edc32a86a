"""The engine: everything between a ringing telephone and a kept promise."""

import logging

from loguru import logger as _pipecat_logger


def _pass_on(message: object) -> None:
    record = message.record  # type: ignore[attr-defined]
    logging.getLogger("pipecat").log(record["level"].no, record["message"])


# pipecat speaks through loguru, and greets on import. The engine has one log: what matters of pipecat's goes there.
_pipecat_logger.remove()
_pipecat_logger.add(_pass_on, level="WARNING")
