"""What a worker lets in: by what is at work and has just come, not by bodies that stay away."""

from app.http.admission import Admission

LATER_S = 10.0


def test_a_burst_finds_no_more_room_than_there_is() -> None:
    door = Admission()
    assert [door.let_in(2, LATER_S) is None for _ in range(4)] == [False, False, True, True]


def test_a_place_is_free_again_when_its_request_leaves_the_door() -> None:
    door = Admission()
    term = door.let_in(1, LATER_S)
    assert door.let_in(1, LATER_S + 0.1) is None
    door.leave_door(term)
    assert door.let_in(1, LATER_S + 0.1) is not None


def test_a_request_of_the_term_before_counts() -> None:
    door = Admission()
    term = door.let_in(1, LATER_S)
    assert door.let_in(1, LATER_S + 0.25) is None
    door.leave_door(term)
    assert door.let_in(1, LATER_S + 0.25) is not None


def test_a_request_that_never_begins_its_work_keeps_others_out_for_half_a_second_at_most() -> None:
    door = Admission()
    term = door.let_in(1, LATER_S)
    assert door.let_in(1, LATER_S + 0.5) is not None
    door.leave_door(term)  # it counts no more, so nobody is let in for it
    assert door.let_in(1, LATER_S + 0.5) is None


def test_any_order_of_leaving_ends_with_all_places_free() -> None:
    door = Admission()
    terms = [door.let_in(100, LATER_S + each / 50) for each in range(60)]
    for term in reversed(terms):
        door.leave_door(term)
    end = LATER_S + 60 / 50
    assert sum(door.let_in(100, end) is not None for _ in range(200)) == 100


def test_who_was_not_let_in_leaves_nothing_behind() -> None:
    door = Admission()
    door.leave_door(door.let_in(0, LATER_S))
    assert door.let_in(1, LATER_S) is not None
    assert door.let_in(1, LATER_S) is None
