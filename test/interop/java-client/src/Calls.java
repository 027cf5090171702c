import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Unary calls whose messages are bytes as they are. */
final class Calls {
  private static final Marshaller<byte[]> AS_IS = new Marshaller<>() {
    @Override
    public InputStream stream(byte[] message) {
      return new ByteArrayInputStream(message);
    }

    @Override
    public byte[] parse(InputStream message) {
      try {
        return message.readAllBytes();
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  };

  private Calls() {}

  static MethodDescriptor<byte[], byte[]> method(String fullName) {
    return MethodDescriptor.newBuilder(AS_IS, AS_IS).setType(MethodType.UNARY).setFullMethodName(fullName).build();
  }

  /** The answer to a call with one byte. Throws StatusRuntimeException where it failed. */
  static String ask(Channel channel, MethodDescriptor<byte[], byte[]> method, CallOptions options) {
    byte[] answer = ClientCalls.blockingUnaryCall(channel, method, options, new byte[1]);
    return new String(answer, StandardCharsets.UTF_8);
  }
}
