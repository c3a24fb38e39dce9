"""Why a gateway is silent: each check takes the facts and gives one finding. Pure."""

import fnmatch
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime

from factory_lake.coverage.causes import clock_words
from factory_lake.doctor.facts import Count, Counts, Gateway, LogEntry
from factory_lake.doctor.gathering import NO_TIME, TOO_LATE
from factory_lake.doctor.model import CANNOT_TELL, CAUSE, OK, Finding, Known, Unknown, Verdict, listed, reasons
from factory_lake.doctor.watching import Event

Check = Callable[[Gateway], Finding]

PAGE = "docs/gateways.md"
#: Reasons of a connection that ended since it asked for what it may not, as the versions of MQTT and of AWS IoT
#: spell it.
REFUSED = frozenset({"AUTH_ERROR", "CLIENT_ERROR", "FORBIDDEN_ACCESS"})
_DUPLICATE, _KEEP_ALIVE, _THROTTLED = "DUPLICATE_CLIENTID", "MQTT_KEEP_ALIVE_TIMEOUT", "THROTTLED"
#: A device that restarts takes its own connection over, once.
_TAKEOVERS = 2
_TIME_RULES = ("TIMESTAMP_TOO_OLD", "TIMESTAMP_TOO_FAR_AHEAD", "NOT_MILLISECONDS")
#: The transform hands over within this time of a message's arrival, its own buffer included.
_TRANSFORMED_MS = 120_000
_MOST = 0.5
#: What AWS IoT refuses of a client whose identity is broken says nothing of the client's settings.
_EXPLAIN_REFUSALS = frozenset({"client", "certificate", "policy"})
_REFUSALS = frozenset({"last-will", "retain", "topic", "subscription", "packet", "client-id"})
_MENDS = {
    "client": "no-such-client",
    "certificate": "certificate",
    "policy": "policy",
    "client-id": "client-id",
    "duplicate": "connected-twice",
    "last-will": "last-will",
    "retain": "retained-messages",
    "topic": "wrong-topic",
    "subscription": "subscriptions",
    "packet": "packets-that-aws-iot-does-not-take",
    "throttled": "throttled",
    "keep-alive": "keep-alive",
    "session": "clean-session",
    "rule": "topic-rule",
    "delivery": "the-lake-does-not-deliver",
    "clock": "the-gateways-clock",
    "refused": "messages-that-the-lake-refuses",
    "connection": "no-connection",
}


def diagnose(facts: Gateway) -> tuple[Finding, ...]:
    """All findings, in the order in which causes are named."""
    return tuple(_without_consequences([check(facts) for check in CHECKS]))


def in_words(facts: Gateway) -> tuple[str, ...]:
    """What is good to know of a gateway, whatever is wrong."""
    said = []
    if isinstance(facts.arrivals, Unknown):
        said.append(f"Whether its messages arrive is unknown: {facts.arrivals.reason}.")
    elif facts.arrivals.last_ms is None:
        said.append("None of its messages of today or yesterday is in the table.")
    else:
        said.append(f"The newest of its messages in the table was received at {_moment(facts.arrivals.last_ms)}.")
    if isinstance(facts.log, Unknown):
        said.append(f"{facts.log.reason}.")
    if missing := _not_in_time(facts):
        said.append(f"No time was left for the answers to: {listed(missing)}.")
    return tuple(said)


def _not_in_time(facts: Gateway) -> list[str]:
    """Names of the facts that were asked for in vain, or not at all, when the time was over."""
    late = (TOO_LATE, NO_TIME)
    found = {each.name.replace("_", " ") for each in fields(facts) if getattr(facts, each.name) in late}
    if any(getattr(facts.delivery, each.name) in late for each in fields(facts.delivery)):
        found.add("delivery")
    if any(each in late for each in facts.foreign.values()):
        found.add("other certificates")
    return sorted(found)


def _without_consequences(found: Sequence[Finding]) -> Iterator[Finding]:
    """What another cause explains is no cause of its own, and a guess is none where something is certain."""
    causes = [one for one in found if one.verdict == CAUSE]
    certain = {one.check for one in causes if one.is_certain and one.check != "connection"}
    for one in found:
        explaining: set[str] = set()
        if one.check == "connection":
            explaining = {each.check for each in causes} - {"connection", "session"}
        elif not one.is_certain:
            explaining = certain
        if one.check in _REFUSALS:
            explaining |= certain & _EXPLAIN_REFUSALS
        if one.verdict == CAUSE and explaining:
            text = f"{one.sentence} Another cause explains it: {listed(sorted(explaining))}."
            yield replace(one, verdict=CANNOT_TELL, sentence=text)
        else:
            yield one


def thing(facts: Gateway) -> Finding:
    """Whether AWS IoT knows the client."""
    name = facts.source.client_id
    if isinstance(facts.thing, Unknown):
        return _unknown("client", facts.thing)
    if not facts.thing:
        return _cause("client", f"AWS IoT knows no thing {name}: it was deleted, or never applied.", [f"thing {name}"])
    return _ok("client", f"The thing {name} is there.")


def certificate(facts: Gateway) -> Finding:
    """Whether the client has a certificate that AWS IoT accepts."""
    known = facts.certificates
    if isinstance(known, Unknown):
        return _unknown("certificate", known)
    name = facts.source.client_id
    if (foreign := _foreign_certificate(facts)) is not None:
        return foreign
    if not known:
        evidence = [f"certificate {one} is not there" for one in sorted(facts.lake_certificates)]
        return _cause("certificate", f"AWS IoT has no certificate of {name}.", evidence or ["the lake made none"])
    evidence = [
        f"certificate {one.certificate_id}: {one.status}, valid {_day(one.not_before_ms)} to {_day(one.not_after_ms)}"
        for one in known
    ]
    if any(one.status == "ACTIVE" and one.not_before_ms <= facts.now_ms < one.not_after_ms for one in known):
        return _ok("certificate", "It has a certificate that is active and valid.", evidence)
    if any(one.status == "ACTIVE" for one in known):
        expired = all(one.not_after_ms <= facts.now_ms for one in known if one.status == "ACTIVE")
        what = "has expired" if expired else "is not valid yet"
        return _cause("certificate", f"The certificate of {name} {what}.", evidence)
    state = "revoked" if any(one.status == "REVOKED" for one in known) else "inactive"
    return _cause("certificate", f"The certificate of {name} is {state}.", evidence)


def _foreign_certificate(facts: Gateway) -> Finding | None:
    """Whether the client uses a certificate that is not its own."""
    if isinstance(facts.certificates, Unknown):
        return None
    own = {one.certificate_id for one in facts.certificates} | facts.lake_certificates
    tried = [one for one in facts.presence if re.fullmatch("[0-9a-f]{64}", one.principal) and one.principal not in own]
    if not tried:
        return None
    used = tried[-1].principal
    owner = facts.foreign.get(used, "")
    if isinstance(owner, Unknown):
        whose = f"whose is unknown, {owner.reason}"
    else:
        whose = f"that of {owner}" if owner else "of no client of the lake"
    return _cause(
        "certificate",
        f"It connects with the certificate of another client ID: {whose}.",
        [f"{_seen(tried[-1])}, certificate {used}"],
    )


def policy(facts: Gateway) -> Finding:
    """Whether the policy is attached, and allows what the lake's does."""
    certificates = facts.certificates
    if isinstance(certificates, Unknown) or isinstance(facts.policy, Unknown):
        return _unknown("policy", certificates, facts.policy)
    name = facts.source.client_id
    if facts.policy is None:
        return _cause("policy", f"AWS IoT has no policy {name}.", [f"policy {name}"])
    active = [one for one in certificates if one.status == "ACTIVE"] or list(certificates)
    attached = [one.policies for one in active]
    if active and not any(isinstance(one, Unknown) or name in one for one in attached):
        return _cause(
            "policy",
            f"The policy {name} is not attached to the client's certificate.",
            [
                f"certificate {one.certificate_id}: policies {listed(one.policies)}"
                for one in active
                if not isinstance(one.policies, Unknown)
            ],
        )
    wanted = [("iot:Connect", f"{facts.arn}:client/{name}")]
    wanted += [("iot:Publish", f"{facts.arn}:topic/{topic}") for topic in facts.topics]
    denied = [f"{action} on {resource}" for action, resource in wanted if not allows(facts.policy, action, resource)]
    if denied:
        sentence = f"The policy {name} was changed: it does not allow {denied[0]}."
        return _cause("policy", sentence, [f"policy {name} allows no {one}" for one in denied])
    if (forbidden := _forbidden(facts)) is not None:
        return forbidden
    if unknown := reasons(attached):
        return Finding("policy", CANNOT_TELL, f"Whether it is attached is unknown: {unknown}.", (), _mend("policy"))
    return _ok("policy", "The policy is attached, and allows its client ID and its topics.")


def _forbidden(facts: Gateway) -> Finding | None:
    """Whether AWS IoT shuts it out, though certificate and policy look right and no metric says over what.

    The reasons are those of "Lifecycle events" in AWS IoT's developer guide.
    """
    if certificate(facts).verdict != OK or not facts.presence or facts.presence[-1].reason not in REFUSED:
        return None
    counts = facts.broker
    if not isinstance(counts, Unknown) and any(_recent(counts, metric, facts) for metric in _PACKETS):
        return None
    last = facts.presence[-1]
    ended = [one for one in facts.presence if one.reason == last.reason]
    sentence = {
        "FORBIDDEN_ACCESS": "AWS IoT does not let it connect, as where its address is denied",
        "AUTH_ERROR": "AWS IoT ends its connections, since it asks for what it may not",
    }.get(last.reason, "AWS IoT ends its connections over a packet or request of its own")
    return _cause(
        "policy",
        f"{sentence} ({last.reason}), though its policy looks right: see what denies it, and the gateway's settings.",
        [f"{len(ended)} connections ended so, the last {_seen(last)}"],
    )


def allows(document: str, action: str, resource: str) -> bool:
    """Whether a policy document allows an action, without its conditions and variables."""
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError):
        return False
    allowed = False
    for statement in statements if isinstance(statements, list) else [statements]:
        actions, resources = (_texts(statement.get(name)) for name in ("Action", "Resource"))
        if _matches(action.lower(), [one.lower() for one in actions]) and _matches(resource, resources):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed


def duplicate(facts: Gateway) -> Finding:
    """Whether two devices evict each other."""
    if (unknown := _presence_unknown(facts)) is not None and not facts.presence:
        return _unknown("duplicate", unknown)
    taken = [one for one in facts.presence if one.reason == _DUPLICATE] + _logged(facts, "Disconnect", {"DUPLICATE"})
    if len(taken) < _TAKEOVERS:
        return _ok("duplicate", "No second device takes its connection over.")
    addresses = sorted({one.ip for one in facts.presence if one.ip})
    where = f", from {listed(addresses)}" if addresses else ""
    return _cause(
        "duplicate",
        f"Two devices use the client ID {facts.source.client_id} and evict each other{where}.",
        [f"{len(taken)} takeovers ({_DUPLICATE}), the last {_seen(taken[-1])}"],
    )


def last_will(facts: Gateway) -> Finding:
    """Whether its CONNECT is refused although certificate and policy are right: then it has a last will."""
    return _refused_connect(
        facts,
        "last-will",
        "Its CONNECT is refused, though certificate and policy are right: most likely it has a last will.",
        "No CONNECT of it was refused.",
    )


def _refused_connect(facts: Gateway, check: str, cause: str, fine: str) -> Finding:
    failed = [one for one in facts.presence if one.kind == "connect_failed"] + [
        one for one in _entries(facts, "Connect") if one.status == "Failure"
    ]
    if not failed:
        unknown = _presence_unknown(facts)
        return _ok(check, fine) if unknown is None else _unknown(check, unknown)
    if any(one.verdict == CAUSE for one in (thing(facts), certificate(facts), policy(facts))):
        return Finding(check, CANNOT_TELL, "Its CONNECT is refused for another cause.", (), _mend(check))
    evidence = [f"{len(failed)} refused, the last {_seen(failed[-1])}", *_account(facts, "Connect.AuthError")]
    return _cause(check, cause, evidence)


def client_id(facts: Gateway) -> Finding:
    """Whether somebody connects under a client ID that its certificate may not use."""
    own = facts.source.client_id
    if not isinstance(facts.log, Unknown):
        others = [one for one in facts.log if one.event == "Connect" and one.client_id not in ("", "N/A", own)]
        if others:
            sentence = f"It connects under the client ID {others[-1].client_id}, in place of {own}."
            return _cause("client-id", sentence, [f"log AWSIotLogsV2: {_seen(others[-1])}"])
        return _ok("client-id", "Its certificate was used under its own client ID only.")
    return _by_account(
        facts,
        "client-id",
        "Connect.AuthError",
        f"Most likely it connects under another client ID than {own}.",
        "Nothing is refused at CONNECT in this account.",
        is_possible=not facts.presence and not _is_connected(facts),
    )


def retain(facts: Gateway) -> Finding:
    """Whether it publishes retained messages."""
    return _refused_packet(
        facts,
        "retain",
        "PublishRetained.AuthError",
        "It publishes with retain on, which its policy does not allow.",
        "No retained message is refused in this account.",
    )


def topic(facts: Gateway) -> Finding:
    """Whether it publishes to another topic than its own."""
    others = [one for one in _entries(facts, "Publish-In") if one.status == "Failure" and one.topic]
    if others:
        sentence = f"It publishes to {others[-1].topic}, which is not its topic."
        return _cause("topic", sentence, [f"log AWSIotLogsV2: {_seen(others[-1])}"])
    return _refused_packet(
        facts,
        "topic",
        "PublishIn.AuthError",
        f"It publishes to another topic than {facts.source.topic}.",
        "No publish to another topic is refused in this account.",
    )


def subscription(facts: Gateway) -> Finding:
    """Whether it subscribes to something."""
    return _refused_packet(
        facts,
        "subscription",
        "Subscribe.AuthError",
        "It subscribes to a topic, which its policy does not allow.",
        "No subscription is refused in this account.",
    )


def packet(facts: Gateway) -> Finding:
    """Whether it sends what AWS IoT does not take: above 128 KB, or a last will of QoS 2."""
    at_connect = _by_account(
        facts,
        "packet",
        "Connect.ClientError",
        "Most likely its CONNECT breaks a limit of AWS IoT: a last will of QoS 2, for example.",
        "",
        is_possible=not facts.presence and not _is_connected(facts),
    )
    if at_connect.verdict == CAUSE:
        return at_connect
    return _refused_packet(
        facts,
        "packet",
        "PublishIn.ClientError",
        "It publishes what breaks a limit of AWS IoT: more than 128 KB, or too many levels of a topic.",
        "No packet breaks a limit of AWS IoT in this account.",
    )


def _refused_packet(facts: Gateway, check: str, metric: str, cause: str, fine: str) -> Finding:
    """Judge by a metric of the account, and by how this client's own connections end."""
    ended = [one for one in facts.presence if one.kind == "disconnected" and one.reason in REFUSED]
    connection = facts.connection
    if not ended and not isinstance(connection, Unknown) and connection is not None and connection.reason in REFUSED:
        ended = [Event("disconnected", connection.since_ms or 0, facts.source.client_id, connection.reason)]
    counts = facts.broker
    if isinstance(counts, Unknown):
        if ended:
            sentence = "Its connections end since it asks for what it may not; which is unknown"
            return Finding(check, CANNOT_TELL, f"{sentence}: {counts.reason}.", (_seen(ended[-1]),), _mend(check))
        return _unknown(check, counts)
    recent = _recent(counts, metric, facts)
    if not recent:
        return _ok(check, fine)
    if ended and counts[metric].last_ms == max(_last(counts, each) for each in _PACKETS):
        evidence = [f"{len(ended)} connections ended so, the last {_seen(ended[-1])}", *_account(facts, metric)]
        return _cause(check, cause, evidence)
    return _by_account(
        facts, check, metric, f"Most likely: {cause[0].lower()}{cause[1:]}", fine, is_possible=not ended
    )


def _by_account(facts: Gateway, check: str, metric: str, cause: str, fine: str, *, is_possible: bool) -> Finding:
    """Judge by a metric that counts all clients of the account: a guess, and only of a client that is silent."""
    counts = facts.broker
    if isinstance(counts, Unknown):
        return _unknown(check, counts)
    if not _recent(counts, metric, facts):
        return _ok(check, fine)
    evidence = tuple(_account(facts, metric))
    if facts.is_silent and is_possible:
        return Finding(check, CAUSE, cause, evidence, _mend(check), is_certain=False)
    sentence = "AWS IoT refuses this of some client in this account; nothing says that it is this one."
    return Finding(check, CANNOT_TELL, sentence, evidence, _mend(check))


_PACKETS = ("PublishRetained.AuthError", "PublishIn.AuthError", "Subscribe.AuthError", "PublishIn.ClientError")


def throttled(facts: Gateway) -> Finding:
    """Whether AWS IoT throttles the client, or the rule."""
    own = [one for one in facts.presence if one.reason == _THROTTLED] + _logged(facts, "", {"THROTTLED"})
    if own:
        return _cause("throttled", "AWS IoT throttles it.", [f"{len(own)} times, the last {_seen(own[-1])}"])
    if not isinstance(facts.rule_counts, Unknown) and _recent(facts.rule_counts, "RuleMessageThrottled", facts):
        return _cause(
            "throttled",
            "AWS IoT throttles the lane's topic rule, for all its gateways.",
            [f"metric RuleMessageThrottled of {facts.rule_name}"],
        )
    if isinstance(facts.broker, Unknown):
        return _unknown("throttled", facts.broker)
    for metric in ("PublishIn.Throttle", "Connect.ClientIDThrottle", "Connect.Throttle"):
        if _recent(facts.broker, metric, facts):
            cause = "Most likely it sends or connects more often than AWS IoT takes."
            return _by_account(facts, "throttled", metric, cause, "", is_possible=True)
    return _ok("throttled", "Nothing is throttled.")


def keep_alive(facts: Gateway) -> Finding:
    """Whether its connections end for want of a sign of life."""
    ended = [one for one in facts.presence if one.reason == _KEEP_ALIVE]
    connection = facts.connection
    if isinstance(connection, Unknown) and _presence_unknown(facts) is not None and not ended:
        return _unknown("keep-alive", connection)
    known = None if isinstance(connection, Unknown) else connection
    setting = f"keep-alive {known.keep_alive} s" if known is not None and known.keep_alive is not None else ""
    if ended or (known is not None and known.reason == _KEEP_ALIVE):
        evidence = [f"{len(ended)} times, the last {_seen(ended[-1])}"] if ended else [f"GetConnection: {_KEEP_ALIVE}"]
        sentence = "Its connections end without a sign of life: the network drops them, or the gateway hangs."
        return _cause("keep-alive", sentence, [*evidence, *([setting] if setting else [])])
    return _ok("keep-alive", f"No connection ended for want of a sign of life{f' ({setting})' if setting else ''}.")


def session(facts: Gateway) -> Finding:
    """Whether what is in flight survives a lost connection."""
    connection = facts.connection
    if isinstance(connection, Unknown):
        return _unknown("session", connection)
    if connection is None or connection.clean_session is None:
        return _unknown("session", Unknown("AWS IoT knows no connection of the last 30 minutes"))
    if not connection.clean_session:
        return _ok("session", "Its session is kept while it is away.")
    ended = [one for one in facts.presence if one.reason in ("CONNECTION_LOST", _KEEP_ALIVE)]
    text = "Clean session is on: what is in flight when a connection ends may be lost."
    if len(ended) < _TAKEOVERS:
        return _ok("session", text, ["GetConnection: cleanSession true"])
    return Finding("session", CAUSE, text, (f"{len(ended)} connections ended",), _mend("session"), is_certain=False)


def rule(facts: Gateway) -> Finding:
    """Whether the lane's topic rule takes messages and hands them on."""
    if isinstance(facts.rule, Unknown):
        return _unknown("rule", facts.rule)
    name = facts.rule_name
    if facts.rule is None:
        return _cause("rule", f"The topic rule {name} is not there: AWS IoT forgets what it acknowledges.", [name])
    if not facts.rule.enabled:
        return _cause("rule", f"The topic rule {name} is disabled: AWS IoT forgets what it acknowledges.", [name])
    filters = re.findall(r"FROM\s+['\"]([^'\"]+)['\"]", facts.rule.sql)
    if not any(_takes(one, facts.source.topic) for one in filters):
        return _cause("rule", f"The topic rule {name} selects other topics: {listed(filters)}.", [facts.rule.sql])
    if isinstance(facts.rule_counts, Unknown):
        return _unknown("rule", facts.rule_counts)
    failed = _recent(facts.rule_counts, "Failure", facts)
    lost = _recent(facts.rule_counts, "ErrorActionFailure", facts)
    succeeded = facts.rule_counts.get("Success", Count())
    # A fault that is over is no cause of silence now.
    if not failed or succeeded.last_ms > facts.rule_counts["Failure"].last_ms:
        return _ok("rule", "The topic rule is enabled, and its action does not fail.")
    evidence = [f"metric Failure of {name}: {failed:g} in 15 minutes"]
    why = ""
    if not isinstance(facts.rule_failure, Unknown) and facts.rule_failure is not None:
        why = _why(facts.rule_failure.reason)
        evidence.append(f"error document {facts.rule_failure.key}")
    if facts.delivery.stream == "":
        text = "The topic rule cannot hand messages on, since the data stream is not there."
        return Finding("rule", CANNOT_TELL, text, tuple(evidence), _mend("rule"))
    if lost:
        evidence.append(f"metric ErrorActionFailure: {lost:g}; those messages are lost")
    return _cause("rule", f"The topic rule {name} cannot hand messages on{f': {why}' if why else ''}.", evidence)


def delivery(facts: Gateway) -> Finding:
    """Whether the lane behind the rule delivers."""
    lane = facts.delivery
    for what, status in (("data stream", lane.stream), ("delivery stream", lane.delivery_stream)):
        if not isinstance(status, Unknown) and status not in ("ACTIVE", "UPDATING"):
            return _cause("delivery", f"The lane's {what} is {status.lower() or 'not there'}.", [what])
    if not isinstance(lane.function, Unknown) and lane.function in ("", "Failed", "Inactive"):
        return _cause("delivery", f"The transform function is {lane.function.lower() or 'not there'}.", ["function"])
    if isinstance(lane.counts, Unknown):
        return _unknown("delivery", lane.counts)
    counts = lane.counts
    calls, errors, throttles = (_recent(counts, name, facts) for name in ("Invocations", "Errors", "Throttles"))
    if errors and errors >= calls / 2:
        evidence = [f"metric AWS/Lambda Errors: {errors:g} of {calls:g} calls in 15 minutes"]
        return _cause("delivery", "The transform function fails.", evidence)
    if throttles and throttles > calls:
        evidence = [f"metric AWS/Lambda Throttles: {throttles:g} in 15 minutes"]
        return _cause("delivery", "The transform function is throttled.", evidence)
    late_seconds = max(3 * lane.interval_seconds, 900)
    behind = _latest(counts, "KinesisMillisBehindLatest", facts) / 1000
    fresh = _latest(counts, "DeliveryToS3.DataFreshness", facts)
    if max(behind, fresh) > late_seconds:
        evidence = [f"delivery stream behind by {behind:.0f} s, oldest message {fresh:.0f} s"]
        return _cause("delivery", "The delivery stream is behind.", evidence)
    if (put := counts.get("DeliveryToS3.Success", Count()).latest) is not None and put == 0:
        return _cause("delivery", "The delivery stream cannot write to S3.", ["metric DeliveryToS3.Success: 0"])
    # Firehose reads at least once a second: what arrived is either read or nobody reads.
    arrived = counts.get("IncomingRecords", Count())
    read = counts.get("DataReadFromKinesisStream.Records", Count())
    unread_ms = facts.now_ms - 5 * 60_000
    waits = [at for at, value in arrived.points if value and at <= unread_ms and at > read.last_ms]
    if waits:
        evidence = [f"records arrived until {_moment(arrived.last_ms)}, none was read since {_moment(read.last_ms)}"]
        return _cause("delivery", "Nobody reads the lane's data stream.", evidence)
    return _ok("delivery", "The lane behind the rule delivers.")


def clock(facts: Gateway) -> Finding:
    """Whether its samples lie outside the plausible window, or steadily beside their arrival."""
    found = _refusals(
        facts, "clock", _TIME_RULES, "The gateway's clock is wrong: the lake refuses its samples ({rules})."
    )
    if found.verdict == CAUSE:
        return found
    if isinstance(facts.clocks, Unknown):
        return found if found.verdict == CANNOT_TELL else _unknown("clock", facts.clocks)
    if not facts.clocks:
        return found
    last = facts.clocks[-1]
    evidence = [f"{last.samples} samples that arrived from {_moment(last.start_ms)} to {_moment(last.end_ms)}"]
    if not isinstance(facts.arrivals, Unknown) and (facts.arrivals.last_ms or 0) >= last.end_ms:
        return _ok("clock", f"The gateway's clock was {clock_words(last)}, and is right again.", evidence)
    return _cause("clock", f"The gateway's clock is {clock_words(last)}: the lake takes it at its word.", evidence)


def refused(facts: Gateway) -> Finding:
    """Whether the transform refuses its messages for another rule."""
    return _refusals(facts, "refused", (), "The lake refuses its messages ({rules}).")


def _refusals(facts: Gateway, check: str, rules: tuple[str, ...], cause: str) -> Finding:
    """Whether most of what comes is refused, by these rules, or by any but those of the clock."""
    if isinstance(facts.refusals, Unknown):
        return _unknown(check, facts.refusals)
    mine = [one for one in facts.refusals if (one.rule in rules if rules else one.rule not in _TIME_RULES)]
    if not mine:
        return _ok(check, "The lake refuses none of its messages for this.")
    by_rule = Counter(f"{one.rule} {one.field}".strip() for one in mine)
    evidence = [f"{count} by {name}" for name, count in by_rule.most_common(3)]
    newest = max(one.received_ms for one in mine)
    evidence.append(f"the last received at {_moment(newest)}")
    if isinstance(facts.arrivals, Unknown):
        text = f"The lake refused {len(mine)} of its messages; how many it took is unknown: {facts.arrivals.reason}."
        return Finding(check, CANNOT_TELL, text, tuple(evidence), _mend(check))
    # What is in the table by now: later messages may wait in a buffer, while refusals are known at once.
    settled_ms = facts.now_ms - facts.delivery.interval_seconds * 1000 - _TRANSFORMED_MS
    settled = [one for one in mine if one.received_ms <= settled_ms]
    since = [one for one in settled if one.received_ms > (facts.arrivals.last_ms or 0)]
    is_most = len(settled) > 0 and len(settled) >= facts.arrivals.rows
    is_most_now = newest >= facts.recent_ms and _refused_share(facts) >= _MOST
    if not (since or is_most or is_most_now):
        text = f"The lake refused {len(mine)} of its messages in an hour, and took {facts.arrivals.rows} samples."
        return _ok(check, text, evidence)
    named = listed(sorted({one.rule for one in mine}))
    return _cause(check, cause.format(rules=named), evidence)


def connection(facts: Gateway) -> Finding:
    """Whether it is connected at all, when nothing else explains its silence."""
    events, known = facts.presence, facts.connection
    if isinstance(known, Unknown) and _presence_unknown(facts) is not None and not events:
        return _unknown("connection", known)
    if _is_connected(facts):
        return _ok("connection", "It is connected.")
    if facts.is_silent is False:
        return _ok("connection", "Its messages arrive.")
    if any(one.kind == "connect_failed" for one in events):
        return Finding("connection", CANNOT_TELL, "It tries to connect and is refused.", (), _mend("connection"))
    if not isinstance(known, Unknown) and known is not None and known.since_ms is not None:
        how = f" ({known.reason})" if known.reason else ""
        evidence = [f"GetConnection: disconnected since {_moment(known.since_ms)}{how}"]
        return _cause("connection", "It is not connected, and does not try.", evidence)
    watched = f"no presence event in {facts.watched_seconds:.0f} s" if facts.watched_seconds else "GetConnection"
    sentence = "It has not been connected for 30 minutes or more, and does not try with a certificate of its own."
    return _cause("connection", sentence, [watched])


def _refused_share(facts: Gateway) -> float:
    """The share of the lane's samples that the transform refused lately, of all its gateways."""
    counts = facts.delivery.counts
    if isinstance(counts, Unknown) or not (received := _recent(counts, "SamplesReceived", facts)):
        return 0.0
    return _recent(counts, "SamplesRejected", facts) / received


CHECKS: Sequence[Check] = (
    *(thing, certificate, policy, rule, delivery, duplicate, last_will, retain, topic, subscription, packet),
    *(client_id, throttled, keep_alive, clock, refused, session, connection),
)


def _is_connected(facts: Gateway) -> bool:
    known = facts.connection
    if not isinstance(known, Unknown) and known is not None:
        return known.connected
    return bool(facts.presence) and facts.presence[-1].kind == "connected"


def _presence_unknown(facts: Gateway) -> Unknown | None:
    """Why no presence events are known; None where some source was read."""
    if isinstance(facts.events, Unknown) and isinstance(facts.history, Unknown):
        return Unknown(reasons([facts.events, facts.history]))
    return None


def _entries(facts: Gateway, event: str) -> list[LogEntry]:
    if isinstance(facts.log, Unknown):
        return []
    own = facts.source.client_id
    return [
        one for one in facts.log if event in ("", one.event) and one.client_id == own and one.at_ms >= facts.recent_ms
    ]


def _logged(facts: Gateway, event: str, words: set[str]) -> list[Event]:
    """Entries of AWS IoT's log whose reason has one of some words, as events."""
    return [
        Event(one.event, one.at_ms, one.client_id, one.reason)
        for one in _entries(facts, event)
        if any(word in one.reason.upper() for word in words)
    ]


def _recent(counts: Counts, metric: str, facts: Gateway) -> float:
    return counts.get(metric, Count()).since(facts.recent_ms)


def _last(counts: Counts, metric: str) -> int:
    return counts.get(metric, Count()).last_ms


def _latest(counts: Counts, metric: str, facts: Gateway) -> float:
    points = [point for point in counts.get(metric, Count()).points if point[0] >= facts.recent_ms]
    return max(points)[1] if points else 0.0


def _account(facts: Gateway, metric: str) -> list[str]:
    if isinstance(facts.broker, Unknown) or not (recent := _recent(facts.broker, metric, facts)):
        return []
    return [f"metric AWS/IoT {metric}: {recent:g} in 15 minutes, of the whole account"]


def _takes(topic_filter: str, topic_name: str) -> bool:
    pattern = re.escape(topic_filter).replace(r"\+", "[^/]+").replace(r"/\#", "(/.*)?").replace(r"\#", ".*")
    return re.fullmatch(pattern, topic_name) is not None


def _why(reason: str) -> str:
    """The part of an error document's message that says what the service answered."""
    found = re.search(r"Error Code: (\w+)", reason) or re.search(r"\b(\w*(?:Denied|NotFound|Throttl)\w*)", reason)
    return f"{found[1]}" if found else ""


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _matches(name: str, patterns: Iterable[str]) -> bool:
    # A bracket is no wildcard of a policy.
    return any(fnmatch.fnmatchcase(name, one.replace("[", "[[]")) for one in patterns)


def _seen(event: Event | LogEntry) -> str:
    what = event.kind if isinstance(event, Event) else f"{event.event} {event.status}"
    why = f" {event.reason}" if event.reason else ""
    return f"at {_moment(event.at_ms)}: {what}{why}"


def _moment(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def _mend(check: str) -> str:
    return f"{PAGE}#{_MENDS[check]}"


def _cause(check: str, sentence: str, evidence: Iterable[str]) -> Finding:
    return _finding(check, CAUSE, sentence, evidence)


def _ok(check: str, sentence: str, evidence: Iterable[str] = ()) -> Finding:
    return _finding(check, OK, sentence, evidence)


def _finding(check: str, verdict: Verdict, sentence: str, evidence: Iterable[str]) -> Finding:
    return Finding(check, verdict, sentence, tuple(evidence), _mend(check))


def _unknown(check: str, *values: Known[object]) -> Finding:
    why = reasons(values)
    return Finding(check, CANNOT_TELL, f"{why[:1].upper()}{why[1:]}.", (), _mend(check))
