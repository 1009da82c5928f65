"""Why a stream does not begin, or ends."""

from hub.errors import HubError


class TooManyStreams(HubError):
    """No more streams are opened, for this body or at all."""

    code = "TOO_MANY_STREAMS"
    public = "Too many streams are open. End one, or ask again later."
    retry_seconds = 5


class StreamTooSlow(HubError):
    """The reader does not keep up."""

    code = "STREAM_TOO_SLOW"
    public = "Events were not taken in time. Ask again with afterNumber."


class StreamInterrupted(HubError):
    """Events may have been missed."""

    code = "STREAM_INTERRUPTED"
    public = "Events may have been missed. Ask again with afterNumber."


class ServerStopping(HubError):
    """This process ends."""

    code = "SERVER_STOPPING"
    public = "The hub ends this connection. Ask again with afterNumber."
