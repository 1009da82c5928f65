"""All that is kept, as SQLModel rows. Shapes only: engines, sessions and migrations live in `hub.store`."""

from schema.tables.cities import CityRow, CoordinatorCityRow, CoordinatorRow, MembershipRow, PlaceRow
from schema.tables.history import (
    EventRow,
    ProjectCityRow,
    ProjectRow,
    ResolutionRow,
    StatisticCellRow,
    TermRow,
    TimelineEntryRow,
)
from schema.tables.oauth import (
    AuthorizationCodeRow,
    ClientRow,
    DenialRow,
    PushedRequestRow,
    RefreshTokenRow,
    SigningKeyRow,
    TokenGrantRow,
    UsedAssertionRow,
    UsedProofRow,
)
from schema.tables.organisations import AgreementRow, OrganisationRow, PartnerOpeningRow
from schema.tables.people import (
    AccountRow,
    AccountSecretRow,
    ChallengeRow,
    EnrolmentRow,
    PasskeyRow,
    RecoveryCodeRow,
    SignInAttemptRow,
    ThrottleRow,
    WebSessionRow,
)
from schema.tables.residents import FigureRow, ResidentRow, WorkRow
from schema.tables.sources import OfficialTotalRow, SourceRow, VocabularyTermRow

__all__ = [
    "AccountRow",
    "AccountSecretRow",
    "AgreementRow",
    "AuthorizationCodeRow",
    "ChallengeRow",
    "CityRow",
    "ClientRow",
    "CoordinatorCityRow",
    "CoordinatorRow",
    "DenialRow",
    "EnrolmentRow",
    "EventRow",
    "FigureRow",
    "MembershipRow",
    "OfficialTotalRow",
    "OrganisationRow",
    "PartnerOpeningRow",
    "PasskeyRow",
    "PlaceRow",
    "ProjectCityRow",
    "ProjectRow",
    "PushedRequestRow",
    "RecoveryCodeRow",
    "RefreshTokenRow",
    "ResidentRow",
    "ResolutionRow",
    "SignInAttemptRow",
    "SigningKeyRow",
    "SourceRow",
    "StatisticCellRow",
    "TermRow",
    "ThrottleRow",
    "TimelineEntryRow",
    "TokenGrantRow",
    "UsedAssertionRow",
    "UsedProofRow",
    "VocabularyTermRow",
    "WebSessionRow",
    "WorkRow",
]
