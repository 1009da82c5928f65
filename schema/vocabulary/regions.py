"""Regions of the United Nations M49 list, and the region of each country of ISO 3166-1."""

from typing import Final

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class Region(Vocabulary):
    """Region of the United Nations M49 list: the coarse form of a country."""

    NORTHERN_AFRICA = ("northern_africa", "Northern Africa.")
    EASTERN_AFRICA = ("eastern_africa", "Eastern Africa.")
    MIDDLE_AFRICA = ("middle_africa", "Middle Africa.")
    SOUTHERN_AFRICA = ("southern_africa", "Southern Africa.")
    WESTERN_AFRICA = ("western_africa", "Western Africa.")
    CARIBBEAN = ("caribbean", "Caribbean.")
    CENTRAL_AMERICA = ("central_america", "Central America.")
    SOUTH_AMERICA = ("south_america", "South America.")
    NORTHERN_AMERICA = ("northern_america", "Northern America.")
    CENTRAL_ASIA = ("central_asia", "Central Asia.")
    EASTERN_ASIA = ("eastern_asia", "Eastern Asia.")
    SOUTH_EASTERN_ASIA = ("south_eastern_asia", "South-eastern Asia.")
    SOUTHERN_ASIA = ("southern_asia", "Southern Asia.")
    WESTERN_ASIA = ("western_asia", "Western Asia.")
    EASTERN_EUROPE = ("eastern_europe", "Eastern Europe.")
    NORTHERN_EUROPE = ("northern_europe", "Northern Europe.")
    SOUTHERN_EUROPE = ("southern_europe", "Southern Europe.")
    WESTERN_EUROPE = ("western_europe", "Western Europe.")
    AUSTRALIA_AND_NEW_ZEALAND = ("australia_and_new_zealand", "Australia and New Zealand.")
    MELANESIA = ("melanesia", "Melanesia.")
    MICRONESIA = ("micronesia", "Micronesia.")
    POLYNESIA = ("polynesia", "Polynesia.")


_COUNTRIES: Final = {
    Region.NORTHERN_AFRICA: "DZ EG LY MA SD TN EH",
    Region.EASTERN_AFRICA: "IO BI KM DJ ER ET TF KE MG MW MU YT MZ RE RW SC SO SS UG TZ ZM ZW",
    Region.MIDDLE_AFRICA: "AO CM CF TD CG CD GQ GA ST",
    Region.SOUTHERN_AFRICA: "BW SZ LS NA ZA",
    Region.WESTERN_AFRICA: "BJ BF CV CI GM GH GN GW LR ML MR NE NG SH SN SL TG",
    Region.CARIBBEAN: "AI AG AW BS BB BQ VG KY CU CW DM DO GD GP HT JM MQ MS PR BL KN LC MF VC SX TT TC VI",
    Region.CENTRAL_AMERICA: "BZ CR SV GT HN MX NI PA",
    Region.SOUTH_AMERICA: "AR BO BV BR CL CO EC FK GF GY PY PE GS SR UY VE",
    Region.NORTHERN_AMERICA: "BM CA GL PM US",
    Region.CENTRAL_ASIA: "KZ KG TJ TM UZ",
    Region.EASTERN_ASIA: "CN HK MO KP JP MN KR TW",
    Region.SOUTH_EASTERN_ASIA: "BN KH ID LA MY MM PH SG TH TL VN",
    Region.SOUTHERN_ASIA: "AF BD BT IN IR MV NP PK LK",
    Region.WESTERN_ASIA: "AM AZ BH CY GE IQ IL JO KW LB OM QA SA PS SY TR AE YE",
    Region.EASTERN_EUROPE: "BY BG CZ HU PL MD RO RU SK UA",
    Region.NORTHERN_EUROPE: "AX DK EE FO FI GG IS IE IM JE LV LT NO SJ SE GB",
    Region.SOUTHERN_EUROPE: "AL AD BA HR GI GR VA IT MT ME MK PT SM RS SI ES XK",
    Region.WESTERN_EUROPE: "AT BE FR DE LI LU MC NL CH",
    Region.AUSTRALIA_AND_NEW_ZEALAND: "AU CX CC HM NZ NF",
    Region.MELANESIA: "FJ NC PG SB VU",
    Region.MICRONESIA: "GU KI MH FM NR MP PW UM",
    Region.POLYNESIA: "AS CK PF NU PN WS TK TO TV WF",
}
REGION_OF: Final[dict[str, Region]] = {
    country: region for region, line in _COUNTRIES.items() for country in line.split()
}
