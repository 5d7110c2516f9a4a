"""Connects the parts of one daemon. Nothing runs yet: threads start with the ingestor and the first job."""

from dataclasses import dataclass
from functools import partial

from vlogd.config import Config
from vlogd.core.cancellation import Flag
from vlogd.core.event_hub import Events
from vlogd.core.events import Listener
from vlogd.daemon.call_queue import CallQueue
from vlogd.daemon.ingest_notices import IngestNotices
from vlogd.daemon.request_handler import RequestHandler
from vlogd.daemon.requests import RequestFolder, is_to_be_removed
from vlogd.daemon.state_folder import State, open_state, volumes_of
from vlogd.engine.controller import Controller
from vlogd.engine.executors.local import LocalExecutor
from vlogd.engine.executors.worker import Environment, PartWorker
from vlogd.engine.jobs import JobThreads
from vlogd.engine.library_worker import LibraryWorker
from vlogd.engine.policy import Policy
from vlogd.engine.services import Services
from vlogd.ingest.ingestor import Ingestor
from vlogd.ingest.intake import Intake
from vlogd.notify.log_events import log_event
from vlogd.notify.status_file import StatusFile
from vlogd.notify.systemd import SystemdNotifier
from vlogd.site.publisher import Publisher
from vlogd.stages.pipeline import STAGES
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes


@dataclass(frozen=True)
class Parts:
    """The parts of one daemon. `stop` is checked by running work; `calls` is how other threads reach the loop."""

    config: Config
    state: State
    stop: Flag
    calls: CallQueue
    events: Events
    volumes: Volumes
    publisher: Publisher
    executor: LocalExecutor
    jobs: JobThreads
    controller: Controller
    ingestor: Ingestor
    notices: IngestNotices
    request_folder: RequestFolder
    request_handler: RequestHandler


def listeners(config: Config) -> list[Listener]:
    """All listeners. A new one is a line here."""
    return [
        log_event,
        StatusFile(config.state),
        SystemdNotifier(),
    ]


def connect(config: Config) -> Parts:
    """The parts of a daemon on this configuration. Raises Unavailable when its state folder cannot be used."""
    state = open_state(config)
    stop, calls, events = Flag(), CallQueue(), Events(*listeners(config))
    volumes = volumes_of(config)
    originals, library = Originals(config.originals, config.retention.archive), Library(config.library)
    environment = Environment(library, originals, state.scratch, config.limits, stop, volumes)
    publisher, executor = Publisher(library), LocalExecutor(config.slots, PartWorker(environment, STAGES))
    jobs = JobThreads()
    services = Services(
        state.journal,
        LibraryWorker(environment, publisher, STAGES, config.retention),
        executor,
        jobs,
        calls.put,
        events.emit,
        state.waiting,
    )
    controller = Controller(_policy(config), environment, services)
    notices = IngestNotices(state.journal, controller, events.emit)
    is_leaving = partial(is_to_be_removed, config.state)
    return Parts(
        config=config,
        state=state,
        stop=stop,
        calls=calls,
        events=events,
        volumes=volumes,
        publisher=publisher,
        executor=executor,
        jobs=jobs,
        controller=controller,
        ingestor=Ingestor(
            config.inboxes,
            Intake(originals, config.limits, stop, volumes, is_leaving, library.is_others),
            lambda notice: calls.put(partial(notices.take, notice)),
        ),
        notices=notices,
        request_folder=RequestFolder(config.state, events.emit),
        request_handler=RequestHandler(controller, state.journal, config.retention, events.emit),
    )


def _policy(config: Config) -> Policy:
    return Policy(
        STAGES,
        config.stage_settings,
        config.slots,
        config.retry,
        config.retention,
        config.sweep_after_seconds,
        config.memory_bytes,
    )
