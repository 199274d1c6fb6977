"""The engine's own configuration, written into the data folder."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from msgspec import Struct

from pharos.engine.embedded.driver import TESTED_VERSION

_GRANTS: Final = (
    "GRANT SHOW, SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE, SYSTEM, KILL QUERY, TABLE ENGINE"
    " ON *.*"
)

_PROFILE: Final = "<use_statistics>0</use_statistics>"
"""What every statement is run with: to plan by statistics of columns those of all parts are read."""


class EmbeddedOptions(Struct, frozen=True):
    """How much of the machine the embedded store may use."""

    query_threads: int = 4
    threads_per_query: int = 2
    memory_bytes: int = 4 << 30
    merge_threads: int = 2
    mend_interval_s: float = 3.0
    """How often it is looked whether the disk took what merges wrote; 0 is never but beside insertions."""
    spare_bytes: int = 32 << 20
    """Nothing is inserted or merged that would leave less free disk, lest other writers starve it midway."""
    tested_version: str = TESTED_VERSION
    """The version of the engine whose private files are read; another one is told."""


def write_configuration(folder: Path, options: EmbeddedOptions) -> None:
    """Write what the engine reads at its start, users and server; raises OSError."""
    users = folder / "engine-users.xml"
    _write_if_new(
        users,
        f"<clickhouse><profiles><default>{_PROFILE}</default></profiles><users><default><password></password>"
        "<networks><ip>127.0.0.1</ip><ip>::1</ip></networks><profile>default</profile><quota>default</quota>"
        f"<grants><query>{_GRANTS}</query></grants></default></users><quotas><default/></quotas></clickhouse>\n",
    )
    settings = {
        "users_config": escape(str(users)),
        "max_server_memory_usage": options.memory_bytes,
        "mark_cache_size": 256 << 20,
        "primary_index_cache_size": 256 << 20,
        "index_mark_cache_size": 64 << 20,
        "uncompressed_cache_size": 0,
        "background_pool_size": options.merge_threads,
        "background_schedule_pool_size": 4,
        "background_common_pool_size": 2,
        "background_move_pool_size": 1,
        "background_fetches_pool_size": 1,
        "max_concurrent_queries": 200,
        # Threads that do nothing hold some 200 kB each, of stack and of the allocator's own; to begin one
        # again takes some microseconds.
        "max_thread_pool_free_size": 16,
        "query_condition_cache_size": 16 << 20,
        # A deletion waits for a turn of the background, which otherwise sleeps up to ten minutes between two.
        "background_processing_pool_task_sleep_seconds_when_no_work_max": 1,
        "background_processing_pool_task_sleep_seconds_when_no_work_random_part": 0.1,
        # Whether all parts are whole is known when the store is open.
        "async_load_databases": 0,
        "storage_configuration": (
            f"<disks><default><keep_free_space_bytes>{options.spare_bytes}</keep_free_space_bytes></default>"
            "</disks>"
        ),
        # However many parts are damaged, they are set aside and the rest is served.
        "merge_tree": (
            # As many as there are places: a deletion is not to wait until no merge runs.
            "<number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>"
            "<max_suspicious_broken_parts>1000000000</max_suspicious_broken_parts>"
            f"<max_suspicious_broken_parts_bytes>{1 << 60}</max_suspicious_broken_parts_bytes>"
            # With the engine's own 5 every fifth small insertion rewrites all of a young partition.
            "<merge_selector_base>10</merge_selector_base>"
            # Of each column that is written the engine otherwise holds 2 MB, however little comes.
            "<min_columns_to_activate_adaptive_write_buffer>1</min_columns_to_activate_adaptive_write_buffer>"
        ),
    }
    body = "".join(f"<{name}>{value}</{name}>" for name, value in settings.items())
    _write_if_new(folder / "engine.xml", f"<clickhouse>{body}</clickhouse>\n")


def _write_if_new(path: Path, text: str) -> None:
    """Write the file unless it is so already: a store is to open on a full disk, too."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def raise_file_limit() -> None:
    """Allow this process as many open files as a store with many parts may need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
