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
    NO_CONNECTOR = ("no_connector", "The hub cannot reach the system of this body.")
    RULE_OF_PERSON = (
        "rule_of_person",
        "A rule of the person forbids it. Told to caseworkers only; others read NOT_FOUND.",
    )
    KEY_REUSED = ("key_reused", "The idempotency key was used with another input by you.")
    SECOND_PERSON = ("second_person", "Waits for a second person.")
