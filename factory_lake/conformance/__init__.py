"""`factory-lake conformance`: what the lake believes about AWS, tried in the account that it shall run in.

A belief is tried by a probe, a file of its own in `probes/`, named `<family>_<point>.py`. To add one, write the file
and define `PROBE` in it; it is found by walking the package (`catalog`), and docs/fidelity.md names it after
`make docs`::

    def _run(context: Context) -> None:
        bucket = context.shared(setups.bucket)                  # made once, whoever asks first
        context.made("iot_rule", name := context.underscored("bare"))   # before it is made, so that it is deleted
        context.client("iot").create_topic_rule(ruleName=name, ...)
        found = context.until(lambda: ..., 60, "the object")    # never a bare sleep
        if found != sent:
            raise Differs(f"the payload arrived as {found!r}")  # returning means that the belief holds

    PROBE = Probe(
        name="iot_bare_select",                                 # the file's name
        belief="A bare SELECT * hands a JSON payload on byte by byte.",
        relied_on=("lambda_src/transform/lossless_json.py",),
        source="AWS IoT Core developer guide, Working with binary payloads",
        usd=0.001,                                              # with its share of what `shared` made
        run=_run,
    )

Probes run side by side, in any order, against AWS as documented: what is made is waited for, permissions take seconds
to take effect, deliveries come twice. Each name begins with the run's prefix (`Context.name`), and everything carries
its tag. A kind of resource that the kit does not delete yet is added to `resources.KINDS`. What the probe asks of IAM
goes into `permissions.json` by `python -m harness.conformance --record`, and a way to see it differ into
`tests/conformance/breaks`.
"""
