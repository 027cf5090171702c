import io.grpc.Attributes;
import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.StatusOr;
import io.grpc.grpclb.GrpclbConstants;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** Resolves `interop:///SERVICE` to a balancer, to servers to fall back to, and to a service config that has grpclb used. */
final class LookasideResolver extends NameResolver {
  static final String SCHEME = "interop";

  private final String service;
  private final String balancer;
  private final List<String> fallback;
  private final Args args;

  private LookasideResolver(String service, String balancer, List<String> fallback, Args args) {
    this.service = service;
    this.balancer = balancer;
    this.fallback = fallback;
    this.args = args;
  }

  static NameResolverProvider provider(String balancer, List<String> fallback) {
    return new NameResolverProvider() {
      @Override
      protected boolean isAvailable() {
        return true;
      }

      @Override
      protected int priority() {
        return 5;
      }

      @Override
      public String getDefaultScheme() {
        return SCHEME;
      }

      @Override
      public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
        return List.of(InetSocketAddress.class);
      }

      @Override
      public NameResolver newNameResolver(URI target, Args args) {
        return new LookasideResolver(target.getPath().substring(1), balancer, fallback, args);
      }
    };
  }

  @Override
  public String getServiceAuthority() {
    return service;
  }

  @Override
  public void start(Listener2 listener) {
    Attributes named = Attributes.newBuilder().set(GrpclbConstants.ATTR_LB_ADDR_AUTHORITY, balancer).build();
    List<EquivalentAddressGroup> balancers = List.of(new EquivalentAddressGroup(address(balancer), named));
    List<EquivalentAddressGroup> servers = fallback.stream()
        .map(server -> new EquivalentAddressGroup(address(server)))
        .toList();
    Map<String, ?> config = Map.of("loadBalancingConfig", List.of(Map.of("grpclb", Map.of("serviceName", service))));
    ResolutionResult result = ResolutionResult.newBuilder()
        .setAddressesOrError(StatusOr.fromValue(servers))
        .setAttributes(Attributes.newBuilder().set(GrpclbConstants.ATTR_LB_ADDRS, balancers).build())
        .setServiceConfig(args.getServiceConfigParser().parseServiceConfig(config))
        .build();
    args.getSynchronizationContext().execute(() -> listener.onResult2(result));
  }

  @Override
  public void shutdown() {}

  private static InetSocketAddress address(String hostAndPort) {
    int colon = hostAndPort.lastIndexOf(':');
    return new InetSocketAddress(hostAndPort.substring(0, colon), Integer.parseInt(hostAndPort.substring(colon + 1)));
  }
}
