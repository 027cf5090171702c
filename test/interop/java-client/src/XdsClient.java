import com.google.gson.Gson;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Calls a target without pause and says on demand how the calls went: see the Go program in ../../go-xds. */
public final class XdsClient {
  private static final MethodDescriptor<byte[], byte[]> ASK = Calls.method("fairlead.test.Who/Ask");
  private static final Metadata.Key<String> USER = Metadata.Key.of("user", Metadata.ASCII_STRING_MARSHALLER);
  private static final int WORKERS = 4;
  private static final int CALL_TIMEOUT_SECONDS = 20;
  private static final long PAUSE_NANOS = 2_000_000;

  private record Report(Map<String, Integer> counts, List<String> errors) {
    Report() {
      this(new HashMap<>(), new ArrayList<>());
    }
  }

  private final boolean waitForReady;
  private Report current = new Report();

  private XdsClient(boolean waitForReady) {
    this.waitForReady = waitForReady;
  }

  public static void main(String[] args) throws Exception {
    Channel channel = Grpc.newChannelBuilder(args[0], InsecureChannelCredentials.create()).build();
    XdsClient client = new XdsClient(args.length > 1);
    for (int user = 0; user < WORKERS; user++) {
      Metadata headers = new Metadata();
      headers.put(USER, Integer.toString(user));
      Channel own = ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers));
      Thread worker = new Thread(() -> client.work(own));
      worker.setDaemon(true);
      worker.start();
    }
    Gson json = new Gson();
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    while (commands.readLine() != null) {
      System.out.println(json.toJson(client.takeReport()));
    }
    System.exit(0);
  }

  private void work(Channel channel) {
    while (true) {
      CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(CALL_TIMEOUT_SECONDS, TimeUnit.SECONDS);
      try {
        answered(Calls.ask(channel, ASK, waitForReady ? options.withWaitForReady() : options));
      } catch (StatusRuntimeException error) {
        failed(error.getMessage());
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private synchronized void answered(String name) {
    current.counts.merge(name, 1, Integer::sum);
  }

  private synchronized void failed(String why) {
    current.errors.add(why);
  }

  private synchronized Report takeReport() {
    Report taken = current;
    current = new Report();
    return taken;
  }
}
