variables {
  location           = { partition = "aws", region = "eu-central-1", account = "111122223333" }
  alarm_descriptions = { late = "It is late.", scarce = "Buses are few." }
  alarms = {
    one-late = {
      kind       = "late"
      subject    = "bus 1"
      name       = "city-bus-1-late"
      namespace  = "City"
      metric     = "DelaySeconds"
      dimensions = { Line = "1" }
      statistic  = "Maximum"
      above      = 0
      missing    = "ignore"
    }
    scarce = {
      kind    = "scarce"
      subject = "the city"
      name    = "city-scarce"
      queries = {
        buses = { namespace = "City", metric = "Buses", dimensions = {}, statistic = "Sum" }
      }
      expression = "buses / 2"
      below      = 10
      period     = 3600
      periods    = 3
      datapoints = 2
      missing    = "breaching"
    }
    all = {
      kind       = "late"
      subject    = "the city"
      name       = "city-late"
      expression = "SELECT SUM(Delays) FROM SCHEMA(\"City\", Line)"
      above      = 1
      missing    = "notBreaching"
    }
  }
}

run "alarms_become_what_cloudwatch_takes" {
  command = plan

  assert {
    condition = jsonencode(output.alarms["one-late"]) == jsonencode({
      name              = "city-bus-1-late"
      description       = "bus 1: It is late."
      namespace         = "City"
      metric            = "DelaySeconds"
      dimensions        = { Line = "1" }
      statistic         = "Maximum"
      period            = 300
      metric_queries    = {}
      expression        = null
      expression_period = null
      periods           = 1
      datapoints        = 1
      comparison        = "GreaterThanThreshold"
      threshold         = 0
      missing           = "ignore"
    })
    error_message = "An alarm on one metric sums up five minutes and fires at once."
  }

  assert {
    condition = (
      output.alarms["scarce"].period == null && output.alarms["scarce"].expression_period == null
      && output.alarms["scarce"].metric_queries["buses"].period == 3600
      && output.alarms["scarce"].comparison == "LessThanThreshold" && output.alarms["scarce"].threshold == 10
      && output.alarms["scarce"].periods == 3 && output.alarms["scarce"].datapoints == 2
    )
    error_message = "An expression takes the period of its metrics."
  }

  assert {
    condition     = output.alarms["all"].period == null && output.alarms["all"].expression_period == 300
    error_message = "A query of metrics has a period of its own."
  }

  assert {
    condition = jsonencode(output.widgets) == jsonencode([{
      type   = "alarm"
      width  = 24
      height = 4
      properties = {
        title = "Alarms"
        alarms = [
          for name in ["city-late", "city-bus-1-late", "city-scarce"] :
          "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:${name}"
        ]
      }
    }])
    error_message = "Alarms are shown in the order of their keys, and graphs are optional."
  }
}

run "links_lead_to_the_runbook_and_alarms_can_be_disabled" {
  command = plan

  variables {
    runbook_base_url = "https://git.example.com/city/runbook/" # with one slash or none
    disabled_alarms  = ["scarce"]
  }

  assert {
    condition = { for key, alarm in output.alarms : key => alarm.description } == {
      one-late = "bus 1: It is late. Runbook: https://git.example.com/city/runbook/late.md"
      all      = "the city: It is late. Runbook: https://git.example.com/city/runbook/late.md"
    }
    error_message = "A description ends with the link to the page of its kind."
  }
}

run "graphs_become_widgets" {
  command = plan

  variables {
    alarms = {}
    graphs = [
      {
        title = "Delays"
        stat  = "Maximum"
        unit  = "seconds"
        metrics = [
          {
            namespace  = "City"
            metric     = "DelaySeconds"
            dimensions = { Line = "1", Direction = "east" }
            label      = "1 east"
          },
          {
            namespace = "City"
            metric    = "Buses"
            id        = "buses"
            visible   = false
            stat      = "Sum"
            period    = 60
            y_axis    = "right"
          },
          { id = "half", expression = "buses / 2" },
        ]
        lines = [{ label = "alarm", value = 60 }, { label = "usual", value = 5, y_axis = "right" }]
      },
      { title = "Nothing", stat = "Sum", unit = "none", metrics = [] },
      { title = "Buses", stat = "Sum", unit = "buses", metrics = [{ namespace = "City", metric = "Buses" }] },
    ]
  }

  assert {
    condition = jsonencode([for widget in output.widgets : widget.properties]) == jsonencode([
      {
        title  = "Delays"
        view   = "timeSeries"
        region = "eu-central-1"
        stat   = "Maximum"
        period = 300
        metrics = [
          ["City", "DelaySeconds", "Direction", "east", "Line", "1", { label = "1 east" }],
          ["City", "Buses", { id = "buses", visible = false, stat = "Sum", period = 60, yAxis = "right" }],
          [{ id = "half", expression = "buses / 2" }],
        ]
        yAxis = { left = { min = 0, label = "seconds", showUnits = false } }
        annotations = {
          horizontal = [
            { label = "alarm", value = 60, color = "#d62728" }, {
              label = "usual"
              value = 5
              color = "#7f7f7f"
              yAxis = "right"
            },
          ]
        }
      },
      {
        title   = "Buses"
        view    = "timeSeries"
        region  = "eu-central-1"
        stat    = "Sum"
        period  = 300
        metrics = [["City", "Buses", {}]]
        yAxis   = { left = { min = 0, label = "buses", showUnits = false } }
      },
    ])
    error_message = "A row is namespace, metric, dimensions and options; a graph of nothing is left out."
  }
}

run "a_widget_shows_a_hundred_alarms" {
  command = plan

  variables {
    alarms = {
      for number in range(101) : format("a%03d", number) => {
        kind      = "late"
        subject   = "bus"
        name      = "late-${number}"
        namespace = "City"
        metric    = "Delay"
        statistic = "Sum"
        above     = 1
        missing   = "ignore"
      }
    }
  }

  assert {
    condition     = [for widget in output.widgets : length(widget.properties.alarms)] == [100, 1]
    error_message = "The hundred and first alarm begins another widget."
  }
}
