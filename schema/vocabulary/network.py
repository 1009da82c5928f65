"""Vocabularies of the network itself: members, bodies, events, boards, openings. They have no csv of their own."""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class OrganisationKind(Vocabulary):
    """What sort of body it is."""

    NETWORK = ("network", "Network of members.")
    NGO = ("ngo", "Non-governmental organisation.")
    PEN_CENTRE = ("pen_centre", "Centre of PEN.")
    ASSOCIATION = ("association", "Association.")
    FUND = ("fund", "Fund.")
    PROGRAMME = ("programme", "Programme.")
    CONSORTIUM = ("consortium", "Consortium.")
    PLATFORM = ("platform", "Platform.")
    UNIVERSITY = ("university", "University.")
    HOST = ("host", "Host body, such as a house of literature.")
    HUB = ("hub", "Regional hub.")
    OTHER = ("other", "Something else.")


@vocabulary
class CityKind(Vocabulary):
    """What sort of member it is. Not all are cities."""

    CITY = ("city", "City or municipality.")
    REGION = ("region", "Region; it may only support its municipalities.")
    UNIVERSITY = ("university", "University.")
    HOUSE = ("house", "House of literature or the like.")
    ASSOCIATION = ("association", "Association.")


@vocabulary
class MembershipStatus(Vocabulary):
    """Standing towards the network."""

    PROSPECT = ("prospect", "Being recruited; seen by the secretariat only.")
    UNVERIFIED = ("unverified", "Named as a member somewhere, without proof; seen by the secretariat only.")
    MEMBER = ("member", "Member now.")
    FORMER = ("former", "Has been a member.")
    PREDECESSOR = ("predecessor", "Belonged to the earlier network only.")


@vocabulary
class EarlierNetwork(Vocabulary):
    """Network before 2006."""

    INCA = ("inca", "International Network of Cities of Asylum.")
    HOST_2000S = ("host_2000s", "Hosted between 2000 and 2005 outside a network.")
    CITY_OF_ASYLUM = ("city_of_asylum", "City of asylum or of refuge of its own, outside the network.")


@vocabulary
class EventKind(Vocabulary):
    """What sort of event."""

    GENERAL_ASSEMBLY = ("general_assembly", "General Assembly of the members; may carry resolutions.")
    NETWORK_MEETING = ("network_meeting", "Network meeting.")
    FESTIVAL = ("festival", "Festival or other stage.")
    LAUNCH = ("launch", "Launch.")
    ELECTION = ("election", "Election.")
    STRATEGY = ("strategy", "Strategy adopted.")
    OTHER = ("other", "Something else.")


@vocabulary
class TermRole(Vocabulary):
    """Seat at the board."""

    CHAIR = ("chair", "Chair.")
    DEPUTY = ("deputy", "Deputy chair.")
    MEMBER = ("member", "Board member, sitting for a city.")
    SUBSTITUTE = ("substitute", "Substitute.")
    OBSERVER = ("observer", "Guest without a vote: PEN, the host house, a resident.")


@vocabulary
class AgreementState(Vocabulary):
    """Standing of an agreement."""

    DRAFT = ("draft", "Not signed.")
    IN_FORCE = ("in_force", "Runs.")
    SUSPENDED = ("suspended", "Cut off; nothing is read or sent.")
    ENDED = ("ended", "Over.")


@vocabulary
class PermitRoute(Vocabulary):
    """How a permit is got; it differs by country."""

    RESETTLEMENT_QUOTA = ("resettlement_quota", "Nominated on the resettlement quota.")
    ASYLUM_AFTER_STAY = ("asylum_after_stay", "Stay first, then the ordinary asylum procedure.")
    WORK_PERMIT = ("work_permit", "Work or artist permit.")
    STUDY_PERMIT = ("study_permit", "Study permit.")
    VISITOR = ("visitor", "Visitor's permit.")
    HUMANITARIAN = ("humanitarian", "Humanitarian visa.")
    FREE_MOVEMENT = ("free_movement", "No permit needed.")
    OTHER = ("other", "Another route.")


@vocabulary
class Certainty(Vocabulary):
    """How sure a recorded fact is."""

    HIGH = ("high", "Stated by a source close to the fact.")
    MEDIUM = ("medium", "Stated in passing, or by one distant source.")
    LOW = ("low", "Recalled, or stated by a source of doubt.")
    SYNTHETIC = ("synthetic", "Made up, for demonstration and tests.")


@vocabulary
class Liaison(Vocabulary):
    """Whether people are handed over between a body and ICORN."""

    YES = ("yes", "A page says so.")
    LIKELY = ("likely", "The mandates fit; no page says so.")
    NO = ("no", "Not in this direction.")
    UNKNOWN = ("unknown", "Not known.")
    SELF = ("self", "The body is ICORN.")


@vocabulary
class StatisticMeasure(Vocabulary):
    """What is counted."""

    MEMBERS = ("members", "Members at the end of the year.")
    PLACES = ("places", "Places at the end of the year.")
    APPLICATIONS = ("applications", "Applications received.")
    APPROVALS = ("approvals", "Applications approved.")
    RESIDENCIES_STARTED = ("residencies_started", "Residencies started.")
    RESIDENCIES_RUNNING = ("residencies_running", "Residencies running at the end of the year.")
    REFERRALS_SENT = ("referrals_sent", "Referrals sent to other bodies.")
    REFERRALS_RECEIVED = ("referrals_received", "Referrals received from other bodies.")
    REFERRALS_HELPED = ("referrals_helped", "Referrals closed with help given.")


@vocabulary
class StatisticSlice(Vocabulary):
    """The only ways to cut a measure. Never origin, city and year together."""

    YEAR = ("year", "By year.")
    YEAR_AND_HOST_COUNTRY = ("year_and_host_country", "By year and host country.")
    YEAR_AND_ORIGIN_REGION = ("year_and_origin_region", "By year and region of origin.")
    YEAR_AND_DISCIPLINE = ("year_and_discipline", "By year and discipline.")
    YEAR_AND_URGENCY = ("year_and_urgency", "By year and urgency.")
