from __future__ import annotations

import subprocess
import sys

import pytest

from kgkt.errors import KgktError
from kgkt.source.quiet import import_quietly


def test_keras_comes_without_a_word():
    code = "from kgkt.source.quiet import keras; k = keras(); k.ops.ones(3); print(k.config.backend())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")


def write_module(tmp_path, monkeypatch, name, text):
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)


def test_what_an_import_writes_is_dropped_when_it_succeeds(tmp_path, monkeypatch, capfd):
    write_module(tmp_path, monkeypatch, "kgkt_loud", "import os; os.write(2, b'noise'); answer = 42")
    assert import_quietly("kgkt_loud").answer == 42
    assert capfd.readouterr().err == ""
    assert import_quietly("kgkt_loud") is sys.modules.pop("kgkt_loud")


def test_what_an_import_writes_is_shown_when_it_fails(tmp_path, monkeypatch, capfd):
    write_module(tmp_path, monkeypatch, "kgkt_broken", "import os; os.write(2, b'missing CPU feature'); import nowhere")
    with pytest.raises(KgktError, match=r"kgkt_broken cannot be imported \(No module named 'nowhere'\); install"):
        import_quietly("kgkt_broken")
    assert capfd.readouterr().err == "missing CPU feature"
