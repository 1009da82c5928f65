"""Why a mutation did nothing."""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class ProblemCode(Vocabulary):
    """Why a mutation did nothing."""

    NOT_FOUND = ("not_found", "No such record for you: unknown and forbidden alike.")
    INVALID = ("invalid", "A value of the input cannot be used.")
    WRONG_STATE = ("wrong_state", "Not possible in the present state.")
    CONSENT_MISSING = ("consent_missing", "No consent covers this.")
    NO_AGREEMENT = ("no_agreement", "No agreement in force covers this.")
    KEY_REUSED = ("key_reused", "The idempotency key was used with another input by you.")
    SECOND_PERSON = ("second_person", "Waits for a second person.")
