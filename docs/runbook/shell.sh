# shellcheck shell=bash disable=SC2016
# Variables and functions for the commands of the runbook (bash): source docs/runbook/shell.sh
# Needs FACTORY_LAKE, FACTORY and LANE, the AWS CLI (1 or 2), jq, and on the PATH the environment that has factory-lake.

: "${FACTORY_LAKE:?must name the lake}" "${FACTORY:?must name a factory}" "${LANE:?must name a lane}"

_exports=$(
  python - "$FACTORY_LAKE" "$FACTORY" "$LANE" <<'PYTHON'
import sys
from pathlib import Path
from shlex import quote

from factory_lake.errors import FactoryLakeError
from factory_lake.lake import open_lake, output_at

place, factory, lane = sys.argv[1:]
try:
    lake = open_lake(Path(place))
    stream = output_at(lake.outputs, "data_streams", factory, lane)
    found = {
        "BUCKET": output_at(lake.outputs, "buckets", lane),
        "CLIPS": output_at(lake.outputs, "buckets", "clips"),
        "STREAM": stream,
        "LAKE": stream.removesuffix(f"-{factory}-{lane}"),
    }
except FactoryLakeError as error:
    sys.exit(f"error: {error}")
if lake.local:
    found["AWS_ENDPOINT_URL"] = lake.local.endpoint
    found["AWS_DEFAULT_REGION"] = lake.local.region
    found["AWS_ACCESS_KEY_ID"] = lake.local.access_key_id
    found["AWS_SECRET_ACCESS_KEY"] = lake.local.secret_access_key
for name, value in found.items():
    print(f"export {name}={quote(value)}")
PYTHON
) || return
eval "$_exports"
export RULE="${LAKE//-/_}__${FACTORY//-/_}__${LANE}" ARCHIVER="$LAKE-$FACTORY-clip-fetch"

_hours_ago() { jq -nr --argjson hours "$1" 'now - $hours * 3600 | floor | todate'; }

# metric NAMESPACE NAME STATISTIC Name=DIMENSION,Value=...: the last three hours, five minutes a line
metric() {
  aws cloudwatch get-metric-statistics --namespace "$1" --metric-name "$2" --statistics "$3" \
    --dimensions "${@:4}" --period 300 --start-time "$(_hours_ago 3)" --end-time "$(_hours_ago 0)" \
    --query "sort_by(Datapoints, &Timestamp)[].[Timestamp, $3]" --output text
}

# log GROUP PATTERN: the lines of the last three hours
log() {
  aws logs filter-log-events --log-group-name "$1" --filter-pattern "$2" \
    --start-time "$(($(date +%s) * 1000 - 10800000))" --query 'events[].[message]' --output text
}

# errors [TYPE]: the newest 20 objects below the lane's errors prefix, of one type or of all
errors() {
  aws s3api list-objects-v2 --bucket "$BUCKET" --prefix "errors/factory=$FACTORY/$LANE/${1:-}" \
    --query 'sort_by(Contents || `[]`, &LastModified)[-20:].[LastModified, Size, Key]' --output text
}
