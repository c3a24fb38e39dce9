# shellcheck shell=bash disable=SC2016
# Variables and functions for the commands of the runbook (bash): source docs/runbook/shell.sh
# Needs: FACTORY_LAKE, FACTORY and LANE, and CAMERA for a camera's alarms; aws (the AWS CLI, 1 or 2) and jq.

: "${FACTORY_LAKE:?must name the lake}" "${FACTORY:?must name a factory}" "${LANE:?must name a lane}"

_lake_json() {
  if [ -f "$FACTORY_LAKE/lake.json" ]; then
    jq .outputs "$FACTORY_LAKE/lake.json"
  elif [ -d "$FACTORY_LAKE" ]; then
    terraform -chdir="$FACTORY_LAKE" output -json
  else
    cat "$FACTORY_LAKE"
  fi
}

if [ -f "$FACTORY_LAKE/lake.json" ]; then
  eval "$(jq -r '.access | {AWS_ENDPOINT_URL: .endpoint, AWS_DEFAULT_REGION: .region,
    AWS_ACCESS_KEY_ID: .access_key_id, AWS_SECRET_ACCESS_KEY: .secret_access_key}
    | to_entries[] | "export \(.key)=\(.value | @sh)"' "$FACTORY_LAKE/lake.json")"
fi
eval "$(_lake_json | jq -r --arg factory "$FACTORY" --arg lane "$LANE" '
  map_values(if type == "object" and has("value") and has("sensitive") then .value else . end)
  | if has("lake") then .lake else . end
  | @sh "BUCKET=\(.buckets[$lane]) CLIPS=\(.buckets.clips) STREAM=\(.data_streams[$factory][$lane])"')"
LAKE=${STREAM%"-$FACTORY-$LANE"}
RULE=$(echo "${LAKE}__${FACTORY}__${LANE}" | tr - _)
ARCHIVER=$LAKE-$FACTORY-clip-fetch
export BUCKET CLIPS STREAM LAKE RULE ARCHIVER

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
