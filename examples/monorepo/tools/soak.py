"""Random orders for SOAK_SECONDS: the instalments of each invoice add up to its total."""

import json
import os
import random
import time

from shop import checkout

dice = random.Random(20)
end = time.monotonic() + float(os.environ["SOAK_SECONDS"])
orders = 0
while time.monotonic() < end:
    lines = [["tea", dice.randint(1, 9), dice.randint(1, 99_999)] for _ in range(dice.randint(0, 9))]
    paper = json.loads(checkout(json.dumps({"lines": lines, "instalments": dice.randint(1, 12)})))
    cents = sum(int(part.replace(".", "")) for part in paper["instalments"])
    assert cents == int(paper["total"].replace(".", "")), paper
    orders += 1
print(f"{orders} orders, 0 wrong")
