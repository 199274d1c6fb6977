"""What `pharos check` says of a prometheus.yml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pharos.commands import check_rules as rules
from pharos.config import process_environment
from pharos.document import FaultsError
from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.discovery import addresses, matching_files, read_groups
from pharos.ingest.scrape.job import JobConfig, TargetGroup
from pharos.ingest.scrape.target import target_of


def notices_of(path: Path) -> list[str]:
    """Return what is worth knowing of a good file, of its files of rules, and of its jobs' targets; raises
    PharosError for what is wrong with any.
    """
    config = load_scrape_config(path, environment=process_environment())
    discovered = dict.fromkeys(
        name for job in config.jobs for one in job.file_discoveries for name in one.files
    )
    files = {name: matching_files(name) for name in discovered}
    faults = [fault for job in config.jobs for fault in _faults_of_job(path, job, files)]
    if faults:
        raise FaultsError(tuple({str(fault): fault for fault in faults}.values()))
    absent = [
        f"{path}: file_sd_configs: there is no {name} yet" for name, found in files.items() if not found
    ]
    return [*map(str, config.notices), *absent, *rules.notices_of_all(config.rule_files)]


def _faults_of_job(path: Path, job: JobConfig, files: dict[str, list[str]]) -> Iterator[PharosError]:
    """Yield which files of its client are not there, and why addresses written in it or in a file make no
    target.
    """
    clients = [("", job.http), *(("http_sd_configs, ", one.http) for one in job.http_discoveries)]
    clients += [("kubernetes_sd_configs, ", one.http) for one in job.clusters]
    for section, http in clients:
        named = {
            "authorization": http.credentials.path,
            "tls_config.cert_file": http.tls.cert_path,
            "tls_config.key_file": http.tls.key_path,
        }
        for field, name in named.items():
            if name and not Path(name).is_file():
                where = f"{path}: job {job.job_name!r}, {section}{field}"
                yield PharosError(Kind.INVALID, f"{where}: there is no file {name}")
    yield from _faults_of(job, job.static_groups, f"{path}: job {job.job_name!r}, static_configs")
    read = [file for one in job.file_discoveries for name in one.files for file in files[name]]
    for file in dict.fromkeys(read):
        try:
            groups = read_groups(Path(file))
        except PharosError as exc:
            yield exc
        else:
            yield from _faults_of(job, groups, f"{file}: job {job.job_name!r}")


def _faults_of(job: JobConfig, groups: tuple[TargetGroup, ...], where: str) -> Iterator[PharosError]:
    for found in addresses(groups):
        try:
            target_of(job, found)
        except PharosError as exc:
            yield PharosError(Kind.INVALID, f"{where}: {exc.message.removeprefix(f'job {job.job_name!r}: ')}")
