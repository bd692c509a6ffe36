"""The settings of `relight.config`."""

from pathlib import Path

import pytest

from relight.config import Config, Limits, Rules, settings
from relight.errors import SetupError


def test_without_anything_given_the_defaults_hold():
    config = Config.read({}, {})

    assert config == Config()
    assert (config.host, config.port, config.workers) == ("127.0.0.1", 8067, 1)
    assert config.rules == Rules(
        close_after_s=21_600,
        comm_after_s=86_400,
        silent_after_s=86_400,
        storage_idle_after_s=259_200,
        power_stale_after_s=1_800,
    )


def test_what_is_given_wins_over_the_environment_and_that_over_the_default():
    environ = {"RELIGHT_PORT": "9000", "RELIGHT_WORKERS": "3", "RELIGHT_CLOSE_AFTER_S": "60"}

    config = Config.read(environ, {"port": 9001, "workers": None})

    assert (config.port, config.workers, config.rules.close_after_s) == (9001, 3, 60)


def test_an_empty_variable_counts_as_not_given():
    assert Config.read({"RELIGHT_PORT": "", "RELIGHT_DATABASE_URL": ""}, {}) == Config()


def test_a_given_zero_is_given():
    assert Config.read({"RELIGHT_PORT": "9000"}, {"port": 0}).port == 0


def test_without_a_url_the_store_is_a_file_in_the_data_folder():
    config = Config.read({}, {"data_dir": Path("/srv/relight")})

    assert config.store_url == "sqlite:////srv/relight/relight.sqlite3"
    assert config.quota_path == Path("/srv/relight/quota.counters")


def test_a_given_url_names_the_store():
    config = Config.read({"RELIGHT_DATABASE_URL": "postgresql://db/relight"}, {})

    assert config.store_url == "postgresql://db/relight"


def test_a_worker_reads_what_its_parent_wrote():
    config = Config(
        data_dir=Path("/srv/relight"),
        clock_offset_s=-86_400,
        tls_cert=Path("c.pem"),
        tls_key=Path("k.pem"),
        rules=Rules(close_after_s=1),
        limits=Limits(reports_max=2),
    )

    assert Config.from_json(config.to_json()) == config


def test_a_database_password_is_not_shown():
    config = Config(database_url="postgresql://relight:open-sesame@db/relight")

    assert "open-sesame" not in repr(config)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("RELIGHT_PORT", "many"),
        ("RELIGHT_PORT", "65536"),
        ("RELIGHT_WORKERS", "0"),
        ("RELIGHT_CLOSE_AFTER_S", "-1"),
        ("RELIGHT_BODY_BYTES_MAX", "1.5"),
        ("RELIGHT_TRUSTED_PROXIES", "*"),
        ("RELIGHT_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("RELIGHT_TRUSTED_PROXIES", "127.0.0.1, proxy.example"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(variable, text):
    name = variable.removeprefix("RELIGHT_").lower()

    with pytest.raises(SetupError, match=name):
        Config.read({variable: text}, {})


def test_proxies_are_addresses_and_networks():
    config = Config.read({"RELIGHT_TRUSTED_PROXIES": "127.0.0.1, ::1,10.0.0.0/8,"}, {})

    assert ["127.0.0.1", "::1", "10.0.0.0/8"] == config.proxies
    assert [] == Config().proxies


def test_a_given_value_of_a_wrong_kind_is_refused():
    with pytest.raises(SetupError, match="data_dir"):
        Config.read({}, {"data_dir": 7})


def test_a_certificate_without_its_key_is_refused():
    with pytest.raises(SetupError, match="key"):
        Config.read({}, {"tls_cert": Path("cert.pem")})


def test_an_unreadable_text_for_a_worker_is_refused():
    with pytest.raises(SetupError, match="worker"):
        Config.from_json("{")


def test_every_setting_has_its_own_variable_a_default_and_one_line_of_help():
    table = settings()

    assert len({setting.variable for setting in table}) == len(table) == 50
    assert all(setting.help and "\n" not in setting.help for setting in table)
    assert next(s for s in table if s.name == "port")[:3] == ("port", "RELIGHT_PORT", 8067)
