import static io.trino.testing.TestingSession.testSessionBuilder;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.plugin.hive.HivePlugin;
import io.trino.spi.type.TimeZoneKey;
import io.trino.testing.DistributedQueryRunner;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Runs statements on Trino's Hive connector, over files of this machine: arguments are the connector's properties, the
 * input a JSON list of statements, the output the JSON list of their answers.
 */
public final class Files {
    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // Trino's own log
        Map<String, String> properties = new LinkedHashMap<>();
        for (String argument : arguments) {
            String[] property = argument.split("=", 2);
            properties.put(property[0], property[1]);
        }
        var session = testSessionBuilder()
                .setCatalog("lake")
                .setSchema("lake")
                .setTimeZoneKey(TimeZoneKey.UTC_KEY)
                .build();
        List<Map<String, Object>> answers = new ArrayList<>();
        try (var trino = DistributedQueryRunner.builder(session).build()) {
            trino.installPlugin(new HivePlugin());
            trino.createCatalog("lake", "hive", properties);
            for (Object statement : new ObjectMapper().readValue(System.in, List.class)) {
                answers.add(answer(trino, (String) statement));
            }
        }
        out.println(new ObjectMapper().writeValueAsString(answers));
        out.flush();
        System.exit(0);
    }

    private static Map<String, Object> answer(DistributedQueryRunner trino, String statement) {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            var result = trino.execute(statement);
            answer.put(
                    "rows",
                    result.getMaterializedRows().stream()
                            .map(row -> row.getFields().stream().map(value -> Objects.toString(value, null)).toList())
                            .toList());
        } catch (RuntimeException failure) {
            answer.put("error", Objects.toString(failure.getMessage()).lines().findFirst().orElse(""));
        }
        return answer;
    }
}
