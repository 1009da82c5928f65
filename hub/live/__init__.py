"""What happens, told as it happens: who listens hears of each event what a query would show them at that moment."""

from hub.live.counting import Places
from hub.live.errors import ServerStopping, TooManyStreams
from hub.live.listening import Listening
from hub.live.patience import StreamPatience
from hub.live.stream import Listener, Live

__all__ = ["Listener", "Listening", "Live", "Places", "ServerStopping", "StreamPatience", "TooManyStreams"]
