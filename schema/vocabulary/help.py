"""Vocabularies of help asked and given: disciplines, kinds of support, urgency, answers.

Each member's value is the code of `vocabularies.csv`; a test holds the two against each other. Descriptions are shown
in the graph.
"""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class Discipline(Vocabulary):
    """Profession or art form. Read values you do not know as OTHER."""

    BLOGGING = ("blogging", "Blogger. HURIDOCS list 10: 029005010000.")
    NOVEL = ("novel", "Novelist. HURIDOCS list 10: 029005010000.")
    DRAMA = ("drama", "Playwright. HURIDOCS list 10: 029005010000.")
    JOURNALISM = ("journalism", "Journalist. HURIDOCS list 10: 029005010000.")
    MUSIC = ("music", "Musician. HURIDOCS list 10: 029005030000.")
    POETRY = ("poetry", "Poet. HURIDOCS list 10: 029005010000.")
    NON_FICTION = ("non_fiction", "Non-fiction writer. HURIDOCS list 10: 029005010000.")
    VISUAL_ART = ("visual_art", "Visual artist. HURIDOCS list 10: 029005020000.")
    CARTOON = ("cartoon", "Cartoonist. HURIDOCS list 10: 029005020000.")
    SINGER_SONGWRITER = ("singer_songwriter", "Singer-songwriter. HURIDOCS list 10: 029005030000.")
    TRANSLATION = ("translation", "Translator. HURIDOCS list 10: 029004040000.")
    SCREENWRITING = ("screenwriting", "Screenwriter. HURIDOCS list 10: 029005010000.")
    PUBLISHING = ("publishing", "Publisher.")
    EDITING = ("editing", "Editor. HURIDOCS list 10: 029005010000.")
    SHORT_STORY = ("short_story", "Short story writer. HURIDOCS list 10: 029005010000.")
    ESSAY = ("essay", "Essayist. HURIDOCS list 10: 029005010000.")
    CHILDREN_LITERATURE = ("children_literature", "Children's writer. HURIDOCS list 10: 029005010000.")
    COMICS = ("comics", "Comic artist. HURIDOCS list 10: 029005020000.")
    PHOTOGRAPHY = ("photography", "Photographer. HURIDOCS list 10: 030103010000.")
    PHOTOJOURNALISM = ("photojournalism", "Photojournalist. HURIDOCS list 10: 030103010000.")
    BROADCAST = ("broadcast", "Broadcast journalist. HURIDOCS list 10: 029005010000.")
    FILM = ("film", "Film maker. HURIDOCS list 10: 029005050000.")
    ACTING = ("acting", "Actor. HURIDOCS list 10: 029005050000.")
    DANCE = ("dance", "Dancer or choreographer. HURIDOCS list 10: 029005040000.")
    COMPOSITION = ("composition", "Composer. HURIDOCS list 10: 029005030000.")
    PERFORMANCE_ART = ("performance_art", "Performance artist. HURIDOCS list 10: 029005020000.")
    STREET_ART = ("street_art", "Street artist. HURIDOCS list 10: 029005020000.")
    DIGITAL_ART = ("digital_art", "Digital artist. HURIDOCS list 10: 029005020000.")
    CURATING = ("curating", "Curator.")
    LIBRARIANSHIP = ("librarianship", "Librarian or archivist. HURIDOCS list 10: 029003000000.")
    ACADEMIC = ("academic", "Scholar. HURIDOCS list 10: 020301000000.")
    HUMAN_RIGHTS_DEFENCE = ("human_rights_defence", "Human rights defender.")
    OTHER = ("other", "Other.")


@vocabulary
class SupportKind(Vocabulary):
    """Kinds of help that a body gives or is asked for."""

    RESIDENCY = ("residency", "Long stay with housing and grant.")
    SHORT_STAY = ("short_stay", "Short stay or rest.")
    FELLOWSHIP = ("fellowship", "Fellowship.")
    PLACEMENT = ("placement", "Work or university post.")
    RELOCATION = ("relocation", "Travel and relocation.")
    RELOCATION_GRANT = ("relocation_grant", "Grant for relocation.")
    EMERGENCY_GRANT = ("emergency_grant", "Emergency money. HURIDOCS list 20: 010100000000.")
    LEGAL_AID = ("legal_aid", "Legal help. HURIDOCS list 20: 010200000000.")
    MEDICAL = ("medical", "Medical help. HURIDOCS list 20: 010300000000.")
    PSYCHOSOCIAL = ("psychosocial", "Psychosocial help.")
    VISA_SUPPORT = ("visa_support", "Permit or visa help.")
    SUPPORT_LETTER = ("support_letter", "Letter of support.")
    ASSESSMENT = ("assessment", "Opinion on persecution.")
    WORK_AUTHENTICATION = ("work_authentication", "Check of the work.")
    ADVOCACY = ("advocacy", "Public advocacy. HURIDOCS list 20: 010400000000.")
    QUIET_ADVOCACY = ("quiet_advocacy", "Confidential contact. HURIDOCS list 20: 010500000000.")
    DIGITAL_SECURITY = ("digital_security", "Digital safety.")
    PHYSICAL_SECURITY = ("physical_security", "Bodily safety.")
    FAMILY_SUPPORT = ("family_support", "Help for the family.")
    TRAINING = ("training", "Training.")
    PUBLICATION = ("publication", "Publishing or promotion.")
    TRANSLATION = ("translation", "Translation.")
    ADVISORY = ("advisory", "Advice.")
    REFERRAL = ("referral", "Passing on. HURIDOCS list 20: 010600000000.")
    HOTLINE = ("hotline", "Help line.")
    REST = ("rest", "Rest.")


@vocabulary
class Urgency(Vocabulary):
    """How soon help is needed. Sets the clocks."""

    EMERGENCY = ("emergency", "Life in danger now; answer in 24 hours.")
    URGENT = ("urgent", "Danger soon; answer in 72 hours.")
    NORMAL = ("normal", "Answer in 14 days.")


@vocabulary
class DeclineReason(Vocabulary):
    """Why a body says no."""

    OUTSIDE_MANDATE = ("outside_mandate", "Outside mandate.")
    OUTSIDE_REGION = ("outside_region", "Outside region.")
    NOT_ELIGIBLE = ("not_eligible", "Does not meet criteria.")
    NO_CAPACITY = ("no_capacity", "No room.")
    NO_FUNDS = ("no_funds", "No money.")
    CANNOT_VERIFY = ("cannot_verify", "Could not be verified.")
    ALREADY_HELPED_HERE = ("already_helped_here", "Already helped here.")
    ALREADY_HELPED_ELSEWHERE = ("already_helped_elsewhere", "Already helped elsewhere.")
    SECURITY_RISK = ("security_risk", "Would endanger someone.")
    CONFLICT_OF_INTEREST = ("conflict_of_interest", "Conflict of interest.")
    MISSING_INFORMATION = ("missing_information", "Information missing.")
    PERSON_UNREACHABLE = ("person_unreachable", "Person not reached.")
    VIOLENCE_ADVOCATED = ("violence_advocated", "Calls for violence.")
    OTHER = ("other", "Other, with text.")


@vocabulary
class ClosingReason(Vocabulary):
    """How it ended."""

    HELPED_AS_ASKED = ("helped_as_asked", "Helped as asked.")
    HELPED_IN_PART = ("helped_in_part", "Helped in part.")
    HELPED_ELSEWHERE = ("helped_elsewhere", "Helped by another body.")
    RESIDENCY_STARTED = ("residency_started", "Residency started.")
    GRANT_PAID = ("grant_paid", "Grant paid.")
    OPINION_GIVEN = ("opinion_given", "Opinion given.")
    FORWARDED = ("forwarded", "Passed on.")
    PERSON_DECLINED = ("person_declined", "Person declined the offer.")
    PERSON_SAFE = ("person_safe", "Person reached safety.")
    PERSON_WITHDREW = ("person_withdrew", "Person withdrew.")
    PERSON_UNREACHABLE = ("person_unreachable", "Contact lost.")
    PERSON_DETAINED = ("person_detained", "Person detained.")
    PERSON_DIED = ("person_died", "Person died.")
    PERMIT_REFUSED = ("permit_refused", "Permit refused.")
    NO_OUTCOME = ("no_outcome", "No outcome reported in time.")
    AGREEMENT_ENDED = ("agreement_ended", "Agreement between bodies ended.")
    ERROR = ("error", "Made in error.")


@vocabulary
class Feedback(Vocabulary):
    """How an intervention was answered. HURIDOCS list 27."""

    FAVOURABLE = ("favourable", "Good result. HURIDOCS list 27: 010000000000.")
    PLEDGED = ("pledged", "Help promised. HURIDOCS list 27: 020000000000.")
    MORE_INFORMATION = ("more_information", "More information asked. HURIDOCS list 27: 040000000000.")
    TOKEN = ("token", "Token answer. HURIDOCS list 27: 050000000000.")
    NONE = ("none", "No answer. HURIDOCS list 27: 060000000000.")
