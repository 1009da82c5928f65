"""Vocabularies of the case file and of referrals that the graph brings itself; `vocabularies.csv` has none of them."""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class CaseState(Vocabulary):
    """Coarse standing of a case."""

    OPEN = ("open", "Somebody works on it.")
    WAITING = ("waiting", "A candidate waits for a place.")
    HOSTED = ("hosted", "A residency runs.")
    CLOSED = ("closed", "Over; retention runs.")


@vocabulary
class DangerLevel(Vocabulary):
    """Danger as judged."""

    LOW = ("low", "Low.")
    RAISED = ("raised", "Raised.")
    HIGH = ("high", "High.")
    EXTREME = ("extreme", "Life in danger now.")


@vocabulary
class ServiceAnswer(Vocabulary):
    """What became of a kind of help."""

    ASKED = ("asked", "No answer yet.")
    OFFERED = ("offered", "In a part offer.")
    ACCEPTED = ("accepted", "Accepted.")
    DECLINED = ("declined", "Declined.")


@vocabulary
class ClockKind(Vocabulary):
    """What is waited for."""

    ACKNOWLEDGE = ("acknowledge", "The recipient's system.")
    FIRST_LOOK = ("first_look", "The first human look.")
    DECISION = ("decision", "A decision.")
    QUESTION = ("question", "An answer to a question.")
    CONSENT = ("consent", "The person's answer.")
    OFFER = ("offer", "Agreement to a part offer.")
    REVIEW = ("review", "A review date.")
    START = ("start", "The start of help.")
    PROGRESS = ("progress", "A note of progress.")
    CONFIRM = ("confirm", "Confirmation of the outcome.")
    ASSESSMENT = ("assessment", "An assessment.")


@vocabulary
class AuditKind(Vocabulary):
    """What an entry records."""

    READ = ("read", "Data were read.")
    CHANGE = ("change", "Something was changed.")
    SENT = ("sent", "Something left the hub.")
    REFUSED = ("refused", "A request was refused.")
    BREAK_GLASS = ("break_glass", "A sealed category was opened.")
    EXPORT = ("export", "An export was made.")


@vocabulary
class ContactChannelKind(Vocabulary):
    """Sort of address."""

    EMAIL = ("email", "Mail.")
    PHONE = ("phone", "Telephone.")
    SIGNAL = ("signal", "Signal.")
    WHATSAPP = ("whatsapp", "WhatsApp.")
    POST = ("post", "Letter.")
    OTHER = ("other", "Something else.")
