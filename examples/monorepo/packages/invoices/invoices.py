"""Invoices: an amount, split into instalments, as a document."""

import json

from money import Money


def invoice(number: int, total: Money, *, instalments: int = 1) -> dict:
    """The invoice as the document that tools/contract.py describes."""
    return {
        "number": number,
        "total": str(total),
        "instalments": [str(part) for part in total.share(instalments)],
    }


def document(number: int, total: Money, *, instalments: int = 1) -> str:
    """The same as JSON text."""
    return json.dumps(invoice(number, total, instalments=instalments), sort_keys=True)
