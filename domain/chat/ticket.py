"""A reference to a ticket: the carrier with by far the most members."""

from msgspec import UNSET, UnsetType

from domain.chat.carriers import Carrier, Moment, Number, Text, Truth
from domain.chat.enums import TicketBaseStatus, TicketOrigin, TicketReadStatus, TicketSlevel


class Ticket(Carrier, frozen=True, kw_only=True):
    """A request that a customer made, and what became of it."""

    ticket_id: Number = UNSET
    title: Text = UNSET
    created_at: Moment = UNSET
    last_changed: Moment = UNSET
    read_by_owner: Moment = UNSET
    read_by_customer: Moment = UNSET
    first_read_by_user: Moment = UNSET
    activate: Moment = UNSET
    closed_at: Moment = UNSET
    replied_at: Moment = UNSET
    alert_timeout: Moment = UNSET
    deadline: Moment = UNSET
    created_by: Number = UNSET
    created_by_name: Text = UNSET
    author: Text = UNSET
    owned_by: Number = UNSET
    owned_by_name: Text = UNSET
    category: Number = UNSET
    category_name: Text = UNSET
    category_fullname: Text = UNSET
    slevel: TicketSlevel | UnsetType | None = UNSET
    priority: Number = UNSET
    priority_name: Text = UNSET
    base_status: TicketBaseStatus | UnsetType | None = UNSET
    ticket_status: Number = UNSET
    ticket_status_display_value: Text = UNSET
    origin: TicketOrigin | UnsetType | None = UNSET
    cust_id: Number = UNSET
    person_firstname: Text = UNSET
    person_middle_name: Text = UNSET
    person_lastname: Text = UNSET
    person_fullname: Text = UNSET
    alert_level: Number = UNSET
    connect_id: Number = UNSET
    read_status: TicketReadStatus | UnsetType | None = UNSET
    time_to_reply: Number = UNSET
    real_time_to_reply: Number = UNSET
    time_to_close: Number = UNSET
    real_time_to_close: Number = UNSET
    time_spent_internally: Number = UNSET
    time_spent_externally: Number = UNSET
    time_spent_queue: Number = UNSET
    real_time_spent_internally: Number = UNSET
    real_time_spent_externally: Number = UNSET
    real_time_spent_queue: Number = UNSET
    time_spent: Number = UNSET
    has_attachment: Truth = UNSET
    num_replies: Number = UNSET
    num_messages: Number = UNSET
    from_address: Text = UNSET
    contact_id: Number = UNSET
    contact_name: Text = UNSET
    owned_by_associate_id: Number = UNSET
    language: Text = UNSET
    sentiment: Number = UNSET
    sentiment_confidence: Number = UNSET
    sale_id: Number = UNSET
    project_id: Number = UNSET
    sale_heading: Text = UNSET
    project_name: Text = UNSET
    form_submission_id: Number = UNSET
    ticket_type_id: Number = UNSET
    ticket_type_name: Text = UNSET
