import com.google.gson.Gson;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.MethodDescriptor;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusRuntimeException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Calls a service whose servers a lookaside balancer names, as it is told to: see the Go program in ../../go-grpclb. */
public final class GrpclbClient {
  private static final MethodDescriptor<byte[], byte[]> CALL = Calls.method("test.Tokens/Call");
  private static final int WORKERS = 4;
  private static final int CALL_TIMEOUT_SECONDS = 10;
  private static final long PAUSE_NANOS = 1_000_000;

  /** Answers by the servers' addresses, and failures by what they say. */
  private record Report(Map<String, Integer> counts, Map<String, Integer> errors) {
    Report() {
      this(new ConcurrentHashMap<>(), new ConcurrentHashMap<>());
    }
  }

  private final Channel channel;
  private final List<Thread> workers = new ArrayList<>();
  private Report running;
  private volatile boolean stopped;

  private GrpclbClient(Channel channel) {
    this.channel = channel;
  }

  public static void main(String[] args) throws Exception {
    List<String> fallback = List.of(args).subList(2, args.length);
    NameResolverRegistry.getDefaultRegistry().register(LookasideResolver.provider(args[0], fallback));
    String target = LookasideResolver.SCHEME + ":///" + args[1];
    GrpclbClient client = new GrpclbClient(Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build());
    Gson json = new Gson();
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = line.split(" ");
      switch (words[0]) {
        case "call" -> System.out.println(json.toJson(client.call(Integer.parseInt(words[1]))));
        case "start" -> client.start();
        case "stop" -> System.out.println(json.toJson(client.stop()));
        default -> throw new IllegalArgumentException(line);
      }
    }
    System.exit(0);
  }

  private Report call(int count) {
    Report report = new Report();
    for (int i = 0; i < count; i++) {
      call(report);
    }
    return report;
  }

  private void start() {
    running = new Report();
    stopped = false;
    for (int i = 0; i < WORKERS; i++) {
      Thread worker = new Thread(() -> callWithoutPause(running));
      workers.add(worker);
      worker.start();
    }
  }

  private Report stop() throws InterruptedException {
    stopped = true;
    for (Thread worker : workers) {
      worker.join();
    }
    workers.clear();
    return running;
  }

  private void callWithoutPause(Report report) {
    while (!stopped) {
      call(report);
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private void call(Report report) {
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(CALL_TIMEOUT_SECONDS, TimeUnit.SECONDS);
    try {
      report.counts.merge(Calls.ask(channel, CALL, options), 1, Integer::sum);
    } catch (StatusRuntimeException error) {
      report.errors.merge(String.valueOf(error.getStatus().getDescription()), 1, Integer::sum);
    }
  }
}
