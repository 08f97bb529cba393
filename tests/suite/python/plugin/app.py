"""A plugin in Python, for a made-up protocol of lines: what the toolchain makes of one must be loadable.

Built with `componentize-py -d wit -w password-plugin componentize --stub-wasi -p python/plugin app -o app.wasm`.
"""

from componentize_py_types import Err
from wit_world.exports import metadata, password
from wit_world.imports.credentials import Failure, FailureKind, TlsMode


def failure(kind, message, code="", remedy=""):
    return Err(Failure(kind, code, message, remedy))


def ask(connection, *words):
    connection.write(" ".join(words).encode() + b"\n")
    line = b""
    while not line.endswith(b"\n"):
        data = connection.read(1024)
        if not data:
            raise failure(FailureKind.UNREACHABLE, "the connection was closed")
        line += data
    return line.decode().strip()


def sign_in(login):
    if login.tls != TlsMode.DISABLED:
        raise failure(FailureKind.NO_TLS, "lines have no TLS")
    connection = login.server.connect()
    answer = ask(connection, "AUTH", login.username, login.password)
    if answer != "OK":
        raise failure(FailureKind.REFUSED, "signing in", answer)
    return connection


class Metadata:
    def describe(self):
        return metadata.Description("pylines", "1.0.0", ["pylines"], 7777, ["tcp://{host}:{port}"], [])


class Password:
    def describe_passwords(self, engine):
        return password.Profile(
            password.PasswordRules(None, 32, " ", "", password.CharacterClasses(0)),
            password.UsernameRules(password.NameLength_Unlimited(), "_clone", " "),
            password.Features.SELF_CHANGE,
        )

    def verify(self, login):
        sign_in(login)

    def change(self, request):
        connection = sign_in(request.actor)
        answer = ask(connection, "PASSWD", request.username, request.new_password)
        if answer != "OK":
            raise failure(FailureKind.DECLINED, "changing the password", answer)
