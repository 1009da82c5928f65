"""Partner networks: which bodies exchange referrals by machine, our keys there, and who of them is at the door."""

from hub.partners.book import Book
from hub.partners.door import Asked, Door
from hub.partners.errors import PartnerRefused, PartnerUnknown
from hub.partners.keys import OwnKeys

__all__ = ["Asked", "Book", "Door", "OwnKeys", "PartnerRefused", "PartnerUnknown"]
