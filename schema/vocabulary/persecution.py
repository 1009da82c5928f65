"""Vocabularies of persecution, with the HURIDOCS codes that partners exchange.

Each member's value is the code of `vocabularies.csv`; a test holds the two against each other. Descriptions are shown
in the graph.
"""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class Act(Vocabulary):
    """What was done to a person. HURIDOCS list 4, with acts of our own for online and cross-border persecution."""

    KILLING = ("killing", "Killing of a chosen person. HURIDOCS list 4: 010101000000.")
    ATTEMPTED_KILLING = ("attempted_killing", "Attempt to kill. HURIDOCS list 4: 010109000000.")
    ASSAULT = ("assault", "Bodily attack. HURIDOCS list 4: 020101000000.")
    THREAT = ("threat", "Threat short of death. HURIDOCS list 4: 020103010000.")
    THREAT_FAMILY = ("threat_family", "Threat to the family. HURIDOCS list 4: 020103010200.")
    DEATH_THREAT = ("death_threat", "Death threat. HURIDOCS list 4: 020103020000.")
    DEATH_THREAT_FAMILY = ("death_threat_family", "Death threat to the family. HURIDOCS list 4: 020103020200.")
    SURVEILLANCE = ("surveillance", "Being watched. HURIDOCS list 4: 020103030000.")
    SEXUAL_HARASSMENT = ("sexual_harassment", "Sexual harassment. HURIDOCS list 4: 020103050000.")
    TORTURE = ("torture", "Torture. HURIDOCS list 4: 020111110000.")
    ARREST = ("arrest", "Arrest. HURIDOCS list 4: 030101000000.")
    DETENTION = ("detention", "Detention or prison. HURIDOCS list 4: 030102000000.")
    DISAPPEARANCE = ("disappearance", "Enforced disappearance. HURIDOCS list 4: 030103000000.")
    ABDUCTION = ("abduction", "Abduction. HURIDOCS list 4: 030104000000.")
    HOUSE_ARREST = ("house_arrest", "House arrest. HURIDOCS list 4: 030105000000.")
    RAID = ("raid", "Unlawful search of the home. HURIDOCS list 4: 040101000000.")
    OFFICE_RAID = ("office_raid", "Unlawful search of an office. HURIDOCS list 4: 120102000000.")
    OFFICE_CLOSURE = ("office_closure", "Office closed. HURIDOCS list 4: 120101000000.")
    INTERNAL_EXILE = ("internal_exile", "Sent away inside the country. HURIDOCS list 4: 050101000000.")
    EXILE = ("exile", "Forced out. HURIDOCS list 4: 050102000000.")
    TRAVEL_BAN = ("travel_ban", "Travel restricted. HURIDOCS list 4: 050106000000.")
    NO_RETURN = ("no_return", "Return denied. HURIDOCS list 4: 050107000000.")
    CENSORSHIP = ("censorship", "Censorship. HURIDOCS list 4: 100101000000.")
    PUBLICATION_LIMIT = ("publication_limit", "Publishing restricted. HURIDOCS list 4: 100102000000.")
    WORK_BANNED = ("work_banned", "Existing work banned. HURIDOCS list 4: 100103000000.")
    SPEECH_BAN = ("speech_ban", "Speaking forbidden. HURIDOCS list 4: 100104000000.")
    PERFORMANCE_BAN = ("performance_ban", "Performance forbidden. HURIDOCS list 4: 100105000000.")
    CREATIVE_FREEDOM = ("creative_freedom", "Other act against creative freedom. HURIDOCS list 4: 150100000000.")
    DEFAMATION = ("defamation", "Defamation. HURIDOCS list 4: 140101000000.")
    CONFISCATION = ("confiscation", "Property taken. HURIDOCS list 4: 130107000000.")
    UNFAIR_TRIAL = ("unfair_trial", "Fair trial denied. HURIDOCS list 4: 350114000000.")
    CULTURAL_BAN = ("cultural_ban", "Cultural practice forbidden. HURIDOCS list 4: 560102000000.")
    DEPORTATION = ("deportation", "Deportation. HURIDOCS list 4: 330101000000.")
    ONLINE_HARASSMENT = ("online_harassment", "Harassment online.")
    DOXXING = ("doxxing", "Private data published.")
    HACKING = ("hacking", "Accounts or devices attacked.")
    TRANSNATIONAL_REPRESSION = ("transnational_repression", "Reached by the home state while abroad.")
    LAWSUIT_ABUSE = ("lawsuit_abuse", "Abusive lawsuit.")
    PASSPORT_REFUSED = ("passport_refused", "Passport refused or cancelled.")
    WORK_LOSS = ("work_loss", "Dismissed or barred from the profession.")
    OTHER = ("other", "Other. HURIDOCS list 4: 900000000000.")


@vocabulary
class Perpetrator(Vocabulary):
    """Who did it. HURIDOCS list 24."""

    GOVERNMENT = ("government", "State body. HURIDOCS list 24: 010000000000.")
    EXECUTIVE = ("executive", "Executive. HURIDOCS list 24: 010100000000.")
    LOCAL_GOVERNMENT = ("local_government", "Local officials. HURIDOCS list 24: 010102000000.")
    ARMED_FORCES = ("armed_forces", "Armed forces. HURIDOCS list 24: 010103000000.")
    POLICE = ("police", "Police. HURIDOCS list 24: 010104000000.")
    PRISON = ("prison", "Prison officials. HURIDOCS list 24: 010105000000.")
    INTELLIGENCE = ("intelligence", "Secret service. HURIDOCS list 24: 010106000000.")
    JUDICIARY = ("judiciary", "Judiciary. HURIDOCS list 24: 010300000000.")
    PRO_GOVERNMENT = ("pro_government", "Pro-government force. HURIDOCS list 24: 020100000000.")
    PARAMILITARY = ("paramilitary", "Paramilitary. HURIDOCS list 24: 020101000000.")
    VIGILANTE = ("vigilante", "Vigilantes, death squad. HURIDOCS list 24: 020102000000.")
    OPPOSITION_FORCE = ("opposition_force", "Opposition force. HURIDOCS list 24: 020200000000.")
    PRIVATE_ARMY = ("private_army", "Warlord, private army. HURIDOCS list 24: 020300000000.")
    MOB = ("mob", "Crowd or mob. HURIDOCS list 24: 020500000000.")
    FAMILY = ("family", "Family or home. HURIDOCS list 24: 110100000000.")
    COMMUNITY = ("community", "Community. HURIDOCS list 24: 110200000000.")
    WORKPLACE = ("workplace", "Employer or workplace. HURIDOCS list 24: 110300000000.")
    COMPANY = ("company", "Company. HURIDOCS list 24: 210000000000.")
    EXTREMIST_GROUP = ("extremist_group", "Armed or extremist group, religious or political.")
    ORGANISED_CRIME = ("organised_crime", "Organised crime.")
    ONLINE_UNKNOWN = ("online_unknown", "Unknown people online.")
    OTHER = ("other", "Other. HURIDOCS list 24: 900000000000.")
    UNKNOWN = ("unknown", "Unknown. HURIDOCS list 24: 990000000000.")


@vocabulary
class Involvement(Vocabulary):
    """How a perpetrator took part. HURIDOCS list 18."""

    DIRECT = ("direct", "Did it. HURIDOCS list 18: 010100000000.")
    ORDERED = ("ordered", "Ordered it. HURIDOCS list 18: 010200000000.")
    ACCOMPLICE = ("accomplice", "Passive accomplice. HURIDOCS list 18: 010300000000.")
    PLANNED = ("planned", "Planned it. HURIDOCS list 18: 010500000000.")
    SUSPECTED = ("suspected", "Suspected. HURIDOCS list 18: 010600000000.")
    STATE_FAILURE = ("state_failure", "State failed to protect. HURIDOCS list 18: 050000000000.")
    UNKNOWN = ("unknown", "Unknown. HURIDOCS list 18: 990000000000.")


@vocabulary
class SourceLink(Vocabulary):
    """How a source is tied to the event. HURIDOCS list 19."""

    INVOLVED = ("involved", "Took part in the event. HURIDOCS list 19: 010000000000.")
    CLOSE = ("close", "Close to those involved. HURIDOCS list 19: 020000000000.")
    THIRD_PARTY = ("third_party", "Third party. HURIDOCS list 19: 030000000000.")
    SERVICE = ("service", "Gave a service to someone involved. HURIDOCS list 19: 040000000000.")
    UNKNOWN = ("unknown", "Unknown. HURIDOCS list 19: 990000000000.")
