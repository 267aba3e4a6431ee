"""Labels as Label Studio exports them: its JSON, one task with all its annotations, and its JSON-MIN, flat.

The formats: https://labelstud.io/guide/export and https://labelstud.io/guide/task_format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, count, nearest

# what JSON-MIN adds to a task's own fields and to the choice
FLAT = {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"}
CHOICES = ("choice", "label", "sentiment", "category")  # what the controls of Label Studio's own templates are called


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one annotator says of one task.

    Args:
        says: class that was chosen; None where the annotator left it open.
        by: annotator.
        at: when, as text that sorts.
        settled: whether it is marked as the truth, which goes before all others.
        where: the task, for errors.
    """

    says: str | None
    by: str
    at: str
    settled: bool
    where: str


def read_annotations(
    path: Path, text: str, id_column: str, class_column: str
) -> tuple[list[tuple[str, str, str]], int, int]:
    """What the annotators of an export say.

    Of one annotator the newest annotation counts. Where annotators differ, the one that is marked as ground truth
    counts; where none is, the export is refused.

    Args:
        path: of the file, for errors.
        text: its content.
        id_column: field of the tasks' data that holds the item.
        class_column: name of the control whose choice is the class; the only one where none is called so.

    Returns:
        (item, class, where) of each labelled task, the tasks without a class, and how many of them were skipped by
        their annotators.

    Raises:
        InputError: broken JSON, no tasks, another project's, several choices, annotators who differ; with the task.
    """
    tasks = _tasks(path, text)
    flat = all("annotations" not in task and "completions" not in task for task in tasks)
    if flat and all("data" in task for task in tasks):
        raise InputError(f"{path} holds {count(len(tasks), 'task')} without annotations, as they were before anyone "
                         "labelled them: export the project from Label Studio as JSON or JSON-MIN")
    control = _flat_control(path, tasks, class_column) if flat else _control(path, tasks, class_column)
    said: dict[str, list[Annotation]] = {}
    empty = skipped = 0
    for number, task in enumerate(tasks, 1):
        where = f"{path}, task {task.get('id', number)}"
        found = [_flat(task, control, where)] if flat else list(_annotations(task, control, where))
        named = [one for one in found if one.says is not None]
        if not named:
            empty += 1
            skipped += not flat and any(map(_is_skipped, _of_task(task, where)))
            continue
        said.setdefault(_item(task, flat, id_column, where), []).extend(named)
    labels = {item: _agreed(found) for item, found in said.items()}
    if unsettled := [(item, found) for item, found in said.items() if labels[item] is None]:
        item, found = unsettled[0]
        says = ", ".join(f"{one.says!r} by {one.by or 'an unnamed annotator'}" for one in found)
        raise InputError(f"{path}: annotators differ on {count(len(unsettled), 'item')}, first {item} ({says}): delete "
                         "one of the annotations, or mark one as ground truth, and export again")
    return [(item, one.says, one.where) for item, one in labels.items() if one and one.says], empty, skipped


def _tasks(path: Path, text: str) -> list[dict[str, Any]]:
    """The tasks of an export: a list of them, or a single one."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno} is not JSON ({error.msg}, column {error.colno}): cut off, or edited "
                         "by hand?") from error
    except RecursionError as error:
        raise InputError(f"{path} is JSON within JSON without end: no export of Label Studio") from error
    tasks = content if isinstance(content, list) else [content]
    if not tasks:
        raise InputError(f"{path} holds no task: the project it was exported from is empty, or a filter left all out")
    for number, task in enumerate(tasks, 1):
        if not isinstance(task, dict):
            raise InputError(f"{path}: entry {number} is {_kind(task)}, a task of Label Studio is an object")
    return tasks


def _item(task: Mapping[str, Any], flat: bool, id_column: str, where: str) -> str:
    """The item that a task is about."""
    data = task if flat else task.get("data")
    if not isinstance(data, dict):
        raise InputError(f"{where} has no data ({', '.join(list(task)[:8])}): not an export of Label Studio")
    value = data.get(id_column)
    if not isinstance(value, str | int) or isinstance(value, bool):
        there = [name for name in data if not (flat and name in FLAT)]
        raise InputError(f"{where} has no {id_column} ({_listed(there)}): an export of another project? The tasks that "
                         "kgkt suggest --format label-studio writes hold it; --id-column names another field")
    return str(value)


def _of_task(task: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """The annotations of a task, which were called completions once."""
    found = task.get("annotations", task.get("completions")) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        what = f"a list of {_kind(found[0])}" if isinstance(found, list) else _kind(found)
        raise InputError(f"{where}: its annotations are {what}, not a list of objects: export the project as JSON or "
                         "JSON-MIN")
    return found


def _is_skipped(annotation: Mapping[str, Any]) -> bool:
    return bool(annotation.get("was_cancelled") or annotation.get("skipped"))


def _results(annotation: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """What one annotation holds of choices."""
    results = annotation.get("result") or []
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise InputError(f"{where}: the result of an annotation is {_kind(results)}, not a list of objects")
    return [one for one in results if isinstance(one.get("value"), dict) and "choices" in one["value"]]


def _control(path: Path, tasks: Sequence[Mapping[str, Any]], wanted: str) -> str:
    """The control whose choices are classes: the one that is asked for, else the only one that is used."""
    used: dict[str, None] = {}
    kinds: dict[str, None] = {}
    for number, task in enumerate(tasks, 1):
        where = f"{path}, task {task.get('id', number)}"
        for annotation in _of_task(task, where):
            kinds |= {str(one.get("type")): None for one in annotation.get("result") or [] if isinstance(one, dict)}
            used |= {str(one.get("from_name")): None for one in _results(annotation, where)}
    if wanted in used or not (used or kinds):
        return wanted
    if not used:
        raise InputError(f"{path}: nobody chose a class: the annotations are {', '.join(kinds)}, kgkt reads choices")
    if len(used) > 1:
        raise InputError(f"{path} has choices of {', '.join(used)}, none of {wanted}: --class-column names the one "
                         "that holds the class")
    return next(iter(used))


def _flat_control(path: Path, tasks: Sequence[Mapping[str, Any]], wanted: str) -> str:
    """The same in JSON-MIN, where a choice stands among the task's own fields."""
    names = {name: None for task in tasks for name in task if name not in FLAT and task[name] not in (None, "", [])}
    found = next((name for name in (wanted, *CHOICES) if name in names), None)
    if found is not None:
        return found
    if all(task.get("annotation_id") is None for task in tasks) and any("annotation_id" in task for task in tasks):
        return wanted  # nobody has annotated anything
    hint = nearest(wanted, names)
    raise InputError(f"{path} has no choice {wanted}{hint}; --class-column names the control that holds the class")


def _annotations(task: Mapping[str, Any], control: str, where: str) -> Iterator[Annotation]:
    """What each annotator who did not skip the task says."""
    for annotation in _of_task(task, where):
        if _is_skipped(annotation):
            continue
        chosen = [c for one in _results(annotation, where) if str(one.get("from_name")) == control
                  for c in _names(one["value"]["choices"], where)]  # fmt: skip
        by = annotation.get("completed_by")
        by = by.get("email", by.get("id")) if isinstance(by, dict) else by
        at = annotation.get("updated_at") or annotation.get("created_at") or ""
        yield Annotation(_one(chosen, where), "" if by is None else str(by), str(at),
                         annotation.get("ground_truth") is True, where)  # fmt: skip


def _flat(task: Mapping[str, Any], control: str, where: str) -> Annotation:
    value = task.get(control)
    if isinstance(value, dict):
        value = value.get("choices")
    by, at = task.get("annotator"), task.get("updated_at") or task.get("created_at") or ""
    said = _one(_names([] if value is None else value, where), where)
    return Annotation(said, "" if by is None else str(by), str(at), False, where)


def _names(value: Any, where: str) -> list[str]:
    """Choices as text: one, or a list of them."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str | int) and not isinstance(name, bool) for name in values):
        raise InputError(f"{where}: the choice is {json.dumps(value, ensure_ascii=False)[:80]}, a class is a text")
    return [str(name).strip() for name in values]


def _one(chosen: Sequence[str], where: str) -> str | None:
    if len(chosen) > 1:
        raise InputError(f"{where} has {len(chosen)} choices ({', '.join(chosen[:5])}): an item has one class; set "
                         'choice="single" in the labelling interface, and settle this task')
    return chosen[0] or None if chosen else None


def _agreed(found: Sequence[Annotation]) -> Annotation | None:
    """The annotation that counts; None where annotators differ and none of them is marked as the truth."""
    newest: dict[str, Annotation] = {}
    for number, one in enumerate(found):
        who = one.by or f"#{number}"
        if who not in newest or (one.settled, one.at) >= (newest[who].settled, newest[who].at):
            newest[who] = one
    settled = [one for one in newest.values() if one.settled] or list(newest.values())
    return settled[0] if len({one.says for one in settled}) == 1 else None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _listed(names: Sequence[str]) -> str:
    return f"it has {', '.join(names[:8])}" if names else "it has no field"
