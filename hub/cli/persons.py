"""Commands about what is sealed."""

from hub.auth.root import RootKey
from hub.cli.base import opened, out, read_settings
from hub.cli.clients import key
from hub.store.sealed import Sealing
from hub.store.vault import Vault


@key.command("rewrap")
def rewrap() -> None:
    """Wrap the keys of all persons anew, under the next version of the key they are wrapped under."""
    settings = read_settings(quiet=True)
    with opened(settings) as database:
        vault = Vault(Sealing(RootKey.load(settings.root_key).derive))
        engine = database.engine()
        try:
            with engine.begin() as connection:
                count = vault.rotate(connection)
                version = vault.version(connection)
        finally:
            engine.dispose()
    out.print(f"{count} keys are wrapped under version {version}.", highlight=False)
