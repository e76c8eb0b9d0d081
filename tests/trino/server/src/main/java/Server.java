import static io.trino.testing.TestingSession.testSessionBuilder;

import io.trino.plugin.hive.HivePlugin;
import io.trino.plugin.memory.MemoryPlugin;
import io.trino.testing.DistributedQueryRunner;
import java.util.Map;

/** A Trino server in one process: a folder of JSON lines as `hive`, and tables in `memory`. */
public final class Server {
    private Server() {}

    /** Starts it over the folder named, says its address, and ends when its input does. */
    public static void main(String[] arguments) throws Exception {
        var out = System.out; // Trino's logging takes its place
        var session = testSessionBuilder().setCatalog("memory").setSchema("default").build();
        try (var runner = DistributedQueryRunner.builder(session).setWorkerCount(0).build()) {
            runner.installPlugin(new HivePlugin());
            runner.createCatalog(
                    "hive",
                    "hive",
                    Map.of(
                            "hive.metastore", "file",
                            "hive.metastore.catalog.dir", "local:///meta",
                            "fs.native-local.enabled", "true",
                            "local.location", arguments[0],
                            "hive.security", "allow-all"));
            runner.installPlugin(new MemoryPlugin());
            runner.createCatalog("memory", "memory", Map.of("memory.max-data-per-node", "512MB"));
            out.println(runner.getCoordinator().getBaseUrl());
            // Whoever started it holds the other end: it does not outlive them.
            while (System.in.read() >= 0) {}
        }
    }
}
