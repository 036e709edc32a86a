"""An invented case, for trying a flow before there is a real one."""

from __future__ import annotations

from typing import Any

EXAMPLE_CASE: dict[str, Any] = {
    "debtor": {"name": "王小样", "honorific": "女士", "id_last_four": "3866", "age": 35, "payday": 10},
    "debt": {
        "creditor": "安信银行",
        "product": "信用卡",
        "amount_due": "2380",
        "due_date": "2026-03-01",
        "days_overdue": 9,
    },
    "promise": {"status": "broken", "amount": "2000", "date": "2026-03-06", "paid": "500", "changes": 1},
    "firm": {
        "name": "安信银行",
        "callback_number": "4000000000",
        "hours": "工作日上午九点到下午六点",
        "contact_person": "Alex Example",
    },
}
