"""The invoice that others read has exactly the fields that they were promised."""

import json
import re
import sys

from invoices import document
from money import Money

AMOUNT = re.compile(r"-?\d+\.\d{2}")

paper = json.loads(document(3, Money(100), instalments=3))
if sorted(paper) != ["instalments", "number", "total"]:
    sys.exit(f"contract: fields are {sorted(paper)}")
for amount in [paper["total"], *paper["instalments"]]:
    if not AMOUNT.fullmatch(amount):
        sys.exit(f"contract: {amount!r} is not an amount")
