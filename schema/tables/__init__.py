"""All that is kept, as SQLModel rows. Shapes only: engines, sessions and migrations live in `hub.store`."""

from schema.tables.audit import AuditLeafRow
from schema.tables.casefile import (
    CaseIdentityRow,
    CaseRiskRow,
    CaseRow,
    PersonRow,
    SubjectKeyRow,
)
from schema.tables.cities import CityRow, CoordinatorCityRow, CoordinatorRow, MembershipRow, PlaceRow
from schema.tables.consents import ConsentRow
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
from schema.tables.partners import HandoffKeyRow, PartnerRow
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
from schema.tables.referrals import (
    HandoffRow,
    InboxMessageRow,
    PacketRow,
    ReceiptRow,
    ReferralEventRow,
    ReferralRow,
    ReferralServiceRow,
)
from schema.tables.residents import FigureRow, ResidentRow, WorkRow
from schema.tables.sources import OfficialTotalRow, SourceRow, VocabularyTermRow

__all__ = [
    "AccountRow",
    "AccountSecretRow",
    "AgreementRow",
    "AuditLeafRow",
    "AuthorizationCodeRow",
    "CaseIdentityRow",
    "CaseRiskRow",
    "CaseRow",
    "ChallengeRow",
    "CityRow",
    "ClientRow",
    "ConsentRow",
    "CoordinatorCityRow",
    "CoordinatorRow",
    "DenialRow",
    "EnrolmentRow",
    "EventRow",
    "FigureRow",
    "HandoffKeyRow",
    "HandoffRow",
    "InboxMessageRow",
    "MembershipRow",
    "OfficialTotalRow",
    "OrganisationRow",
    "PacketRow",
    "PartnerOpeningRow",
    "PartnerRow",
    "PasskeyRow",
    "PersonRow",
    "PlaceRow",
    "ProjectCityRow",
    "ProjectRow",
    "PushedRequestRow",
    "ReceiptRow",
    "RecoveryCodeRow",
    "ReferralEventRow",
    "ReferralRow",
    "ReferralServiceRow",
    "RefreshTokenRow",
    "ResidentRow",
    "ResolutionRow",
    "SignInAttemptRow",
    "SigningKeyRow",
    "SourceRow",
    "StatisticCellRow",
    "SubjectKeyRow",
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
