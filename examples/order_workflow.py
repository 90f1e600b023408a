"""An order as a workflow: reserve, charge, ask somebody, then ship or refund; and undo what was done if it fails.

python examples/order_workflow.py
"""

import asyncio
from typing import TypedDict

from foliot import Context, Scheduler, workflow
from foliot.workflows.pictures import tree

scheduler = Scheduler()  # with "sqlite:///orders.db" an order waits for its approval through restarts
stock = {"tea": 3}
desk: asyncio.Queue[tuple[str, int]] = asyncio.Queue()


class Reserved(TypedDict):
    """What was put aside for an order."""

    item: str
    total: int


async def reserve(order_id: int) -> Reserved:
    """Put the goods aside. Its result joins the context: ``item`` and ``total``."""
    stock["tea"] -= 1
    return {"item": "tea", "total": order_id * 10}


async def charge(order_id: int, total: int) -> str:
    """Charge the card; the result is known to the others as ``charge``."""
    if total > 900:
        raise ValueError("the card has not so much on it")
    return f"payment {order_id}"


async def ask(context: Context, order_id: int) -> None:
    """Lay the order on Ann's desk; in earnest, a letter."""
    await desk.put((context.run.parent or "", order_id))


async def ship(item: str, charge: str) -> str:
    """Send the goods."""
    return f"{item} is on its way ({charge})"


async def refund(charge: str, note: str = "") -> str:
    """Give the money back."""
    return f"{charge} was given back: {note}"


async def release(item: str) -> None:
    """Put the goods back: what was reserved for an order that failed."""
    stock[item] += 1


order = workflow("order", version=2, timeout="7d")
reserved = order.node(reserve)
charged = order.node(charge, after=reserved, retries=["1ms"])
ok = order.approval("ok", after=order.node(ask, after=charged), timeout="3d")
order.node(ship, after=ok, when="approved and total < 500")
order.node(refund, after=ok, otherwise=True)
order.node(release, after=[reserved, charged], upon="failure", when="given(reserve)")
scheduler.include(order)


async def ann() -> None:
    """What Ann does all day: she takes orders to be decided from her desk, and approves the even ones."""
    while True:
        run, number = await desk.get()
        answer = scheduler.workflows.approve if number % 2 == 0 else scheduler.workflows.refuse
        await answer(run, "ok", by="Ann", note="odd")


async def ordered(number: int) -> str:
    """One order, from its beginning to its end."""
    handle = await order.enqueue(order_id=number)
    run = await scheduler.runs.ended(handle.id, timeout=30)
    return f"{number}: {run.state.value}, {run.result if run.error is None else run.error.message}"


async def main() -> None:
    """Three orders: one is shipped, one refunded, and one fails and is undone."""
    print("\n".join(tree(order.graph)))
    async with scheduler:
        working = asyncio.create_task(ann())
        for number in (4, 5, 99):
            print(await ordered(number))
        working.cancel()
    print(f"left in stock: {stock['tea']}")


if __name__ == "__main__":
    asyncio.run(main())
