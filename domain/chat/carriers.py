"""References to entities of another system: people, companies, projects, sales. See `Carrier`."""

from itertools import zip_longest

from msgspec import UNSET, Struct, UnsetType, field

from domain.chat.enums import AddressType, AssociateType, SaleCompleted, SaleStatus
from domain.date_time import DateTime
from domain.errors import InvalidField
from domain.limits import LIST_ITEMS, MAP_MEMBERS, CarrierText, Int32

Text = CarrierText | UnsetType | None
Number = Int32 | UnsetType | None
Real = float | UnsetType | None
Truth = bool | UnsetType | None
Moment = DateTime | UnsetType | None
TextMap = dict[str, CarrierText | None] | UnsetType | None


class Carrier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="pascal"):
    """A client's description of an entity of another system; an omitted member is UNSET.

    It is stored as given and never interpreted, so it also keeps that system's names.
    """


def refuse_excess(given: object, held: object, path: str) -> None:
    """Raise InvalidField for a map or a list, anywhere in a carrier, that holds too much.

    `held` is the present value: one that already holds too much may stay or shrink. `path` is the
    documented name of `given`.
    """
    match given:
        case Carrier():
            names = zip(given.__struct_fields__, given.__struct_encode_fields__, strict=True)
            for attribute, name in names:
                value = getattr(given, attribute)
                if isinstance(value, dict | tuple | Carrier):
                    refuse_excess(value, getattr(held, attribute, None), f"{path}.{name}")
        case dict():
            _refuse_longer(len(given), held, MAP_MEMBERS, path)
        case tuple():
            _refuse_longer(len(given), held, LIST_ITEMS, path)
            items = held if isinstance(held, tuple) else ()
            for item, before in zip_longest(given, items[: len(given)]):
                refuse_excess(item, before, path)


def _refuse_longer(length: int, held: object, most: int, path: str) -> None:
    before = len(held) if isinstance(held, dict | tuple) else 0
    if length > max(most, before):
        raise InvalidField(path, f"{path} would hold {length} values, and {most} is the most")


class Associate(Carrier, frozen=True, kw_only=True):
    """A user of the other system: an agent, mostly."""

    associate_id: Number = UNSET
    name: Text = UNSET
    person_id: Number = UNSET
    rank: Number = UNSET
    tooltip: Text = UNSET
    type: AssociateType | UnsetType | None = UNSET
    group_idx: Number = UNSET
    full_name: Text = UNSET
    formal_name: Text = UNSET
    deleted: Truth = UNSET
    ej_user_id: Number = UNSET
    user_name: Text = UNSET
    extra_fields: TextMap = UNSET
    custom_fields: TextMap = UNSET


class Person(Carrier, frozen=True, kw_only=True):
    """A person whom the other system knows."""

    position: Text = UNSET
    person_id: Number = UNSET
    mrmrs: Text = UNSET
    firstname: Text = UNSET
    lastname: Text = UNSET
    middle_name: Text = UNSET
    title: Text = UNSET
    description: Text = UNSET
    email: Text = UNSET
    full_name: Text = UNSET
    direct_phone: Text = UNSET
    formal_name: Text = UNSET
    country_id: Number = UNSET
    contact_id: Number = UNSET
    contact_name: Text = UNSET
    retired: Number = UNSET
    rank: Number = UNSET
    active_interests: Number = UNSET
    contact_department: Text = UNSET
    contact_country_id: Number = UNSET
    contact_org_nr: Text = UNSET
    fax_phone: Text = UNSET
    mobile_phone: Text = UNSET
    contact_phone: Text = UNSET
    associate_name: Text = UNSET
    associate_id: Number = UNSET
    use_person_address: Truth = UNSET
    contact_fax: Text = UNSET
    kanafname: Text = UNSET
    kanalname: Text = UNSET
    post1: Text = UNSET
    post2: Text = UNSET
    post3: Text = UNSET
    email_name: Text = UNSET
    contact_full_name: Text = UNSET
    active_erp_links: Number = UNSET
    ticket_priority_id: Number = UNSET
    support_language_id: Number = UNSET
    support_associate_id: Number = UNSET
    category_name: Text = UNSET
    person_number: Text = UNSET


class LocalizedField(Carrier, frozen=True, kw_only=True):
    """One part of an address as a country writes it, with its label."""

    name: Text = UNSET
    value: Text = UNSET
    tooltip: Text = UNSET
    label: Text = UNSET
    value_length: Number = UNSET
    address_type: Text = UNSET


class StructuredAddress(Carrier, frozen=True, kw_only=True):
    """An address by its parts."""

    atype_idx: AddressType | UnsetType | None = UNSET
    address1: Text = UNSET
    address2: Text = UNSET
    address3: Text = UNSET
    city: Text = UNSET
    county: Text = UNSET
    state: Text = UNSET
    zipcode: Text = UNSET
    formatted: Text = UNSET


class Address(Carrier, frozen=True, kw_only=True):
    """Where a contact is."""

    wgs84_latitude: Real = UNSET
    wgs84_longitude: Real = UNSET
    localized_address: tuple[tuple[LocalizedField, ...], ...] | UnsetType | None = UNSET
    street: StructuredAddress | UnsetType | None = UNSET
    postal: StructuredAddress | UnsetType | None = UNSET
    formatted: Text = UNSET


class Contact(Carrier, frozen=True, kw_only=True):
    """A company."""

    contact_id: Number = UNSET
    name: Text = UNSET
    org_nr: Text = UNSET
    department: Text = UNSET
    url: Text = field(name="URL", default=UNSET)
    city: Text = UNSET
    direct_phone: Text = UNSET
    associate_id: Number = UNSET
    country_id: Number = UNSET
    email_address: Text = UNSET
    kananame: Text = UNSET
    email_address_name: Text = UNSET
    url_name: Text = field(name="URLName", default=UNSET)
    associate_full_name: Text = UNSET
    business_name: Text = UNSET
    category_name: Text = UNSET
    country_name: Text = UNSET
    address: Address | UnsetType | None = UNSET
    formatted_address: Text = UNSET
    full_name: Text = UNSET
    is_owner_contact: Truth = UNSET
    active_erp_links: Number = UNSET
    number1: Text = UNSET
    number2: Text = UNSET


class Project(Carrier, frozen=True, kw_only=True):
    """A project."""

    project_id: Number = UNSET
    name: Text = UNSET
    description: Text = UNSET
    url: Text = field(name="URL", default=UNSET)
    type: Text = UNSET
    associate_id: Number = UNSET
    associate_full_name: Text = UNSET
    type_id: Number = UNSET
    updated: Moment = UNSET
    status_id: Number = UNSET
    status: Text = UNSET
    text_id: Number = UNSET
    publish_to: Moment = UNSET
    publish_from: Moment = UNSET
    is_published: Truth = UNSET
    url_name: Text = field(name="URLName", default=UNSET)
    project_number: Text = UNSET
    active_erp_links: Number = UNSET
    event_id: Number = UNSET
    start_date: Moment = UNSET


class Sale(Carrier, frozen=True, kw_only=True):
    """A sale."""

    contact_name: Text = UNSET
    sale_date: Moment = UNSET
    sale_id: Number = UNSET
    probability: Number = UNSET
    title: Text = UNSET
    amount: Real = UNSET
    currency: Text = UNSET
    project_name: Text = UNSET
    associate_full_name: Text = UNSET
    description: Text = UNSET
    status: SaleStatus | UnsetType | None = UNSET
    weighted_amount: Real = UNSET
    project_id: Number = UNSET
    earning_percent: Real = UNSET
    earning: Real = UNSET
    contact_id: Number = UNSET
    associate_id: Number = UNSET
    person_id: Number = UNSET
    sale_type_id: Number = UNSET
    sale_type_name: Text = UNSET
    person_full_name: Text = UNSET
    completed: SaleCompleted | UnsetType | None = UNSET
    active_erp_links: Number = UNSET
    next_due_date: Moment = UNSET
    number: Text = UNSET
