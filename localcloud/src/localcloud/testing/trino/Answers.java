import static io.trino.testing.TestingSession.testSessionBuilder;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.plugin.memory.MemoryPlugin;
import io.trino.spi.type.TimeZoneKey;
import io.trino.testing.LocalQueryRunner;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Reads a JSON list of queries from its input, runs each on Trino, and writes the JSON list of their answers. */
public final class Answers {
    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // Trino's own log
        var session = testSessionBuilder()
                .setCatalog("memory")
                .setSchema("default")
                .setTimeZoneKey(TimeZoneKey.UTC_KEY)
                .build();
        List<Map<String, Object>> answers = new ArrayList<>();
        try (var trino = LocalQueryRunner.create(session)) {
            trino.installPlugin(new MemoryPlugin());
            trino.createCatalog("memory", "memory", Map.of());
            for (Object query : new ObjectMapper().readValue(System.in, List.class)) {
                answers.add(answer(trino, (String) query));
            }
        }
        out.println(new ObjectMapper().writeValueAsString(answers));
        System.exit(0);
    }

    private static Map<String, Object> answer(LocalQueryRunner trino, String query) {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            var result = trino.execute(query);
            answer.put("types", result.getTypes().stream().map(Object::toString).toList());
            answer.put(
                    "rows",
                    result.getMaterializedRows().stream()
                            .map(row -> row.getFields().stream().map(value -> Objects.toString(value, null)).toList())
                            .toList());
        } catch (RuntimeException failure) {
            answer.put("error", failure.getMessage().lines().findFirst().orElse(""));
        }
        return answer;
    }
}
