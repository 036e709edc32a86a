"""The configuration: the environment stands over the file, and every mistake is named with its place and remedy."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.sip_trunk import AcceptFrom, Codec, SipTransport
from voicebot.settings import ConfigurationError, Settings, find_file, load_settings
from voicebot.settings.document import default_file, keys, markdown_table
from voicebot.settings.file import locate
from voicebot.settings.model import mask_url


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("VOICEBOT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def findings(file: Path | None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    return [str(finding) for finding in caught.value.findings]


def test_no_file_and_no_environment_give_the_defaults(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.sip.port == 5060
    assert settings.data_dir == tmp_path / "voicebot-data"
    assert settings.database == f"sqlite:///{tmp_path}/voicebot-data/voicebot.db"


def test_the_written_default_file_means_the_defaults(tmp_path: Path) -> None:
    file = write(tmp_path / "voicebot.toml", default_file())
    assert load_settings(file).model_dump() == Settings().model_dump()


def test_every_key_is_documented_and_written_out() -> None:
    text = default_file()
    for key in keys():
        assert key.description, f"{key.section}.{key.name} has no description"
        assert f"{key.name} =" in text
        assert f"`{key.name}`" in markdown_table()


def test_the_documentation_page_is_in_step() -> None:
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert markdown_table() in page.read_text(encoding="utf-8"), (
        "run script/configuration-page to renew docs/configuration.md"
    )


def test_the_environment_stands_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.toml", "[sip]\nport = 5070\nmax_calls = 5\n")
    monkeypatch.setenv("VOICEBOT_SIP__PORT", "5090")
    settings = load_settings(file)
    assert (settings.sip.port, settings.sip.max_calls) == (5090, 5)


def test_relative_paths_count_from_the_file_and_not_from_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = write(tmp_path / "etc" / "a.toml", '[worker]\ndata_dir = "../data"\n[recordings]\nroot = "/srv/voice"\n')
    settings = load_settings(file)
    assert settings.data_dir == tmp_path / "data"
    assert settings.recordings_root == Path("/srv/voice")
    assert settings.key_file == tmp_path / "data" / "keys.json"


def test_the_file_is_looked_for_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_file() is None
    write(tmp_path / "voicebot.toml", "")
    assert find_file() == Path("voicebot.toml")
    monkeypatch.setenv("VOICEBOT_CONFIG", "/elsewhere.toml")
    assert find_file() == Path("/elsewhere.toml")
    assert findings(None) == [
        "/elsewhere.toml: there is no such file. Write one with `voicebot config init /elsewhere.toml`."
    ]


def test_all_mistakes_are_reported_at_once_with_line_key_and_remedy(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.toml",
        "[sip]\nprot = 5070\nmax_calls = 0\n\n[[sip.trunks]]\nname = 'a'\n\n[htpp]\nport = 1\n",
    )
    found = findings(file)
    assert found[0] == f"{file}:2: sip.prot: there is no such key. Did you mean `port`?"
    assert found[1].startswith(f"{file}:3: sip.max_calls: input should be greater than or equal to 1, and 0 is not. ")
    assert found[2].startswith(f"{file}:5: sip.trunks.0.host: this key is missing. Add `host = ...`: ")
    assert found[3] == f"{file}:8: htpp: there is no such key. Did you mean `http`?"
    assert len(found) == 4


def test_a_mistake_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEBOT_HTTP__PORT", "many")
    monkeypatch.setenv("VOICEBOT_SIPP__PORT", "1")
    found = findings(None)
    assert found[0] == "VOICEBOT_SIPP__PORT: sipp: there is no such section. Did you mean `sip`?"
    assert found[1].startswith("VOICEBOT_HTTP__PORT: http.port: input should be a valid integer")


def test_broken_json_in_the_environment_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEBOT_SIP__TRUNKS", "[{")
    assert "written as JSON" in findings(None)[0]


def test_text_that_is_not_toml_is_refused_with_its_place(tmp_path: Path) -> None:
    file = write(tmp_path / "a.toml", "[sip]\nport = yes\n")
    assert findings(file)[0].startswith(f"{file}:2:8: not TOML: invalid value")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in findings(file)[0]
    assert "cannot be read" in findings(tmp_path)[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[http]\ntls_key = 'k.pem'\n", "belong together"),
        ("[twilio]\nenabled = true\n", "account_sid is not AC and 32 hexadecimal digits"),
        ("[sip]\nrtp_port_first = 20000\nrtp_port_last = 20010\n", "11 ports, and 60 calls need 120"),
        ("[sip]\nport = 17000\n", "inside the range of media ports"),
        ("[audiosocket]\nallowed = ['10.0.0.0/40']\n", "`10.0.0.0/40` is not a network"),
        ("[sip]\naccept_from = 'friends'\n", "'trunks' or 'anyone'"),
        ("[[sip.trunks]]\nname='a'\nhost='h'\n[[sip.trunks]]\nname='a'\nhost='h'\n", "two entries are named `a`"),
        ("[[sip.trunks]]\nname='a'\nhost='h'\nregister=true\n", "needs `user` and `password`"),
        ("[compliance]\ntimezone = 'Peking'\n", "`Peking` is not a time zone"),
        ("database_url = 'mysql://x'\n", "database_url"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in findings(write(tmp_path / "a.toml", text))[0]


def test_a_secret_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = write(tmp_path / "password", "hunter two\n")
    trunk = f"[[sip.trunks]]\nname='a'\nhost='h'\nuser='u'\npassword='file:{secret}'\n"
    password = load_settings(write(tmp_path / "a.toml", trunk)).sip.trunks[0].password
    assert password is not None
    assert password.get_secret_value() == "hunter two"
    secret.unlink()
    assert "cannot be read" in findings(tmp_path / "a.toml")[0]


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.toml",
        "database_url = 'postgresql://voice:opensesame@db/voice'\n"
        "[[sip.trunks]]\nname='a'\nhost='h'\nuser='u'\npassword='opensesame'\n",
    )
    settings = load_settings(file)
    assert "opensesame" not in str(settings.masked())
    assert settings.masked()["database_url"] == "postgresql://voice:**********@db/voice"
    assert "opensesame" not in repr(settings.sip)


def test_a_wrong_secret_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    file = write(tmp_path / "a.toml", "database_url = 'opensesame'\n")
    assert "opensesame" not in findings(file)[0]


@pytest.mark.parametrize("url", ["sqlite:///a.db", "postgresql://host/db", "postgresql://user@host/db"])
def test_addresses_without_a_password_are_shown_whole(url: str) -> None:
    assert mask_url(url) == url


@given(st.text(max_size=300))
def test_any_text_is_either_settings_or_findings(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "voicebot.toml"
        file.write_bytes(text.encode("utf-8", "replace"))
        with suppress(ConfigurationError):
            assert load_settings(file).file == file.resolve()


def test_a_key_in_a_repeated_table_is_found_in_the_right_one() -> None:
    text = "[[sip.trunks]]\nhost = 'a'\n[[sip.trunks]]\nname = 'b'\nhost = 'b'\n"
    assert tomllib.loads(text)
    assert locate(text, ("sip", "trunks", 1, "host")) == 5
    assert locate(text, ("sip", "trunks", 1, "port")) == 3
    assert locate(text, ("http", "port")) is None


def test_the_sip_section_becomes_the_carriers_own_settings(tmp_path: Path) -> None:
    bare = load_settings().sip.end()
    assert bare.accept_from is AcceptFrom.ANYONE
    trunk = (
        "[[sip.trunks]]\nname='a'\nhost='h'\nuser='u'\npassword='p'\nregister=true\ncodecs=['PCMU']\ntransport='tcp'\n"
    )
    end = load_settings(write(tmp_path / "a.toml", trunk)).sip.end()
    assert end.accept_from is AcceptFrom.TRUNKS
    (first,) = end.trunks
    assert (first.user, first.password, first.register) == ("u", "p", True)
    assert (first.codecs, first.transport) == ((Codec.PCMU,), SipTransport.TCP)


def test_the_twilio_section_becomes_the_carriers_own_settings(tmp_path: Path) -> None:
    sid = "AC" + "0" * 32
    text = (
        f"[twilio]\nenabled=true\naccount_sid='{sid}'\nauth_token='t'\npublic_url='https://voice.example.com/twilio'\n"
    )
    account = load_settings(write(tmp_path / "a.toml", text)).twilio.account()
    assert (account.account_sid, account.auth_token) == (sid, "t")
    assert account.problems() == []
