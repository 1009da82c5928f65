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


@vocabulary
class CareNeed(Vocabulary):
    """What a host must provide, without the illness."""

    QUIET_HOME = ("quiet_home", "Quiet home.")
    STEP_FREE_HOME = ("step_free_home", "Home without steps.")
    DOCTOR_NEAR = ("doctor_near", "Doctor near.")
    COUNSELLING = ("counselling", "Someone to talk to, trained for it.")
    INTERPRETER = ("interpreter", "Interpreter at the doctor's.")
    OTHER = ("other", "Something else; ask the secretariat.")


@vocabulary
class AssessmentOpinion(Vocabulary):
    """Outcome of an assessment."""

    SUPPORTED = ("supported", "Persecution follows from the work.")
    SUPPORTED_IN_PART = ("supported_in_part", "In part.")
    NOT_SUPPORTED = ("not_supported", "Could not be supported.")
    INCONCLUSIVE = ("inconclusive", "Not enough to tell.")


@vocabulary
class FactSource(Vocabulary):
    """Where what is recorded about a person comes from."""

    PERSON = ("person", "The person.")
    CONTACT_PERSON = ("contact_person", "The contact person.")
    REFEREE = ("referee", "A referee.")
    PARTNER = ("partner", "A partner body.")
    ASSESSOR = ("assessor", "An assessor.")
    SECRETARIAT = ("secretariat", "The secretariat's own research.")
    CITY = ("city", "A city.")
    DOCUMENT = ("document", "A document.")
