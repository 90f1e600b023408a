# ruff: noqa: S101 - an exam asserts
"""Order: by due time and priority, where waiting makes up for priority; ties by id."""

from __future__ import annotations

from foliot.model import AGEING
from foliot.stores.base import Store
from foliot.testing.exam.scene import LEASE, a_run, add, again, amend, claim, names, take, take_one


class Order:
    async def test_what_has_been_due_the_longest_goes_first(self, store: Store) -> None:
        await add(store, a_run("a", due_at=3), a_run("b", due_at=1), a_run("c", due_at=2))

        assert names(await take(store, 5)) == ["b", "c", "a"]

    async def test_a_higher_priority_goes_first(self, store: Store) -> None:
        await add(store, a_run("a", priority=0), a_run("b", priority=5), a_run("c", priority=9, due_at=4))

        assert names(await take(store, 5)) == ["c", "b", "a"]

    async def test_a_higher_priority_goes_first_even_if_only_one_is_taken(self, store: Store) -> None:
        await add(store, *(a_run(f"{n:02}", due_at=n) for n in range(30)), a_run("z", due_at=30, priority=6))

        assert names((await claim(store, 30, limit=1)).runs) == ["z"]

    async def test_a_priority_in_the_future_does_not_go_first(self, store: Store) -> None:
        await add(store, a_run("a", priority=9, due_at=10), a_run("b", priority=0))

        assert names(await take(store, 9)) == ["b"]

    async def test_who_has_waited_longer_than_a_priority_is_worth_goes_first(self, store: Store) -> None:
        await add(store, a_run("a", priority=6, due_at=AGEING + 1), a_run("b", priority=5, due_at=0))

        assert names(await take(store, 2 * AGEING)) == ["b", "a"]

    async def test_who_has_waited_less_than_a_priority_is_worth_goes_second(self, store: Store) -> None:
        await add(store, a_run("a", priority=5, due_at=0), a_run("b", priority=6, due_at=AGEING - 1))

        assert names(await take(store, 2 * AGEING)) == ["b", "a"]

    async def test_waiting_for_exactly_a_priority_is_a_tie(self, store: Store) -> None:
        await add(store, a_run("b", priority=5, due_at=0), a_run("a", priority=6, due_at=AGEING))

        assert names(await take(store, 2 * AGEING)) == ["a", "b"]

    async def test_ties_go_by_id(self, store: Store) -> None:
        await add(store, a_run("c"), a_run("a"))
        await add(store, a_run("b"))

        assert names(await take(store)) == ["a", "b", "c"]

    async def test_ids_are_ordered_letter_by_letter_as_in_their_bytes(self, store: Store) -> None:
        await add(store, *(a_run(name) for name in ("é", "a", "Z", "b-1", "b1", "10", "9")))

        assert names(await take(store)) == ["10", "9", "Z", "a", "b-1", "b1", "é"]

    async def test_ties_between_queues_go_by_id(self, store: Store) -> None:
        await add(store, a_run("b", queue="mail"), a_run("a", queue="video"), a_run("c", queue="audio"))

        assert names((await claim(store, limit=2)).runs) == ["a", "b"]

    async def test_one_order_holds_across_queues_and_targets(self, store: Store) -> None:
        await add(
            store,
            a_run("a", queue="mail", due_at=3),
            a_run("b", queue="video", due_at=4, priority=6),
            a_run("c", target="w", due_at=2),
            a_run("d", queue="mail", due_at=1),
        )

        assert names(await take(store, 5, queues=["video", "mail"])) == ["b", "d", "c", "a"]

    async def test_queues_named_in_another_order_are_served_in_the_same_order(self, store: Store) -> None:
        await add(store, a_run("a", queue="x", due_at=1), a_run("b", queue="y", due_at=0))

        assert names((await claim(store, 5, limit=1, queues=["x", "y"])).runs) == ["b"]

    async def test_a_lapsed_run_stands_in_line_from_the_end_of_its_lease(self, store: Store) -> None:
        await add(store, a_run("a", due_at=0))
        await take_one(store)
        await add(store, a_run("b", due_at=LEASE - 1), a_run("c", due_at=LEASE + 1))

        assert names(await take(store, LEASE + 1)) == ["b", "a", "c"]

    async def test_a_retry_stands_in_line_from_its_new_due_time(self, store: Store) -> None:
        await add(store, a_run("a"))
        await again(store, await take_one(store), due_at=20)
        await add(store, a_run("b", due_at=19), a_run("c", due_at=21))

        assert names(await take(store, 30)) == ["b", "a", "c"]

    async def test_a_new_priority_is_a_new_place_in_line(self, store: Store) -> None:
        await add(store, a_run("a"), a_run("b"), a_run("c"))

        await amend(store, "c", priority=6)
        await amend(store, "a", priority=4)

        assert names(await take(store)) == ["c", "b", "a"]
