"""What a storm cost, from attempts, kills and shards."""

from tests.faults.ledger import Kill, cost
from tests.faults.site import Attempt

GOOD = Attempt("a", "w1", began=0.0, ended=1.0, answered=True)


def test_an_attempt_that_no_kill_explains_is_a_repeat() -> None:
    again = Attempt("a", "w2", began=0.5, ended=1.5, answered=True)
    spent = cost([GOOD, again], [Kill("worker", "w2", 9.0)], {"a": 1.2})
    assert (spent.useful, spent.unavoidable, spent.avoidable, spent.repeats) == (1.0, 0.0, 1.0, 1)


def test_a_kill_between_last_image_and_shard_explains_one_as_far_as_writing_took_on_this_machine() -> None:
    killed = Attempt("b", "w2", began=0.0, ended=2.0, answered=True)
    again = Attempt("b", "w3", began=5.0, ended=6.0, answered=True)
    kills = [Kill("worker", "w2", 5.5)]
    quick, slow = {"a": 1.1, "b": 6.1}, {"a": 4.0, "b": 6.1}
    assert cost([GOOD, killed, again], kills, quick).repeats == 1
    assert cost([GOOD, killed, again], kills, slow).repeats == 0


def test_a_worker_that_stops_gives_back_what_it_was_handed() -> None:
    returned = Attempt("a", "w2", began=3.0, ended=3.1)
    again = Attempt("a", "w3", began=4.0, ended=5.0, answered=True)
    for kind, repeats in (("sigterm", 0), ("child", 1)):
        assert cost([returned, again], [Kill(kind, "w2", 2.9)], {"a": 5.1}).repeats == repeats
