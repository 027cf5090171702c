// Calls a service whose servers a lookaside balancer names, and says how the calls went. Each line on stdin is a command: "call N"
// makes N calls one after the other, "start" begins to call without pause, "stop" ends that. "call" and "stop" print one JSON object.
// It ends with stdin.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/balancer/grpclb"
	grpclbstate "google.golang.org/grpc/balancer/grpclb/state"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
)

const (
	method      = "/test.Tokens/Call"
	callTimeout = 10 * time.Second
	workers     = 4
)

// raw passes messages through as bytes.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error)   { return *(v.(*[]byte)), nil }
func (raw) Unmarshal(b []byte, v any) error { *(v.(*[]byte)) = append([]byte{}, b...); return nil }
func (raw) Name() string                    { return "raw" }

// report counts answers by the servers' addresses, and failures by what they say.
type report struct {
	Counts map[string]int `json:"counts"`
	Errors map[string]int `json:"errors"`
}

func newReport() report {
	return report{Counts: map[string]int{}, Errors: map[string]int{}}
}

func main() {
	connection, err := connect(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer connection.Close()
	var stop func() report
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch words[0] {
		case "call":
			count, result := 0, newReport()
			fmt.Sscan(words[1], &count)
			for range count {
				call(connection, &result)
			}
			show(result)
		case "start":
			stop = callWithoutPause(connection)
		case "stop":
			show(stop())
		}
	}
}

func connect(args []string) (*grpc.ClientConn, error) {
	switch {
	case len(args) >= 3 && args[0] == "balancer":
		return dialBalancer(args[1], args[2], args[3:])
	case len(args) == 4 && args[0] == "target":
		return dialTarget(args[1], args[2], args[3])
	}
	return nil, errors.New("usage: grpclb-interop balancer ADDRESS SERVICE [FALLBACK…] | target TARGET CONFIG AUTHORITY")
}

func dialBalancer(balancer, service string, fallback []string) (*grpc.ClientConn, error) {
	state := resolver.State{}
	for _, address := range fallback {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	builder := manual.NewBuilderWithScheme("interop")
	builder.InitialState(grpclbstate.Set(state, &grpclbstate.State{
		BalancerAddresses: []resolver.Address{{Addr: balancer, ServerName: balancer}},
	}))
	config := fmt.Sprintf(`{"loadBalancingConfig":[{"grpclb":{"serviceName":%q}}]}`, service)
	return dial("interop:///"+service, config, insecure.NewCredentials(), grpc.WithResolvers(builder))
}

// dialTarget has the target's resolver find the balancers. An empty config or authority (the file of a certificate) means none.
func dialTarget(target, config, authority string) (*grpc.ClientConn, error) {
	if authority == "" {
		return dial(target, config, insecure.NewCredentials())
	}
	secured, err := credentials.NewClientTLSFromFile(authority, "")
	if err != nil {
		return nil, err
	}
	return dial(target, config, secured)
}

func dial(target, config string, secured credentials.TransportCredentials, rest ...grpc.DialOption) (*grpc.ClientConn, error) {
	options := append(rest,
		grpc.WithTransportCredentials(secured),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if config != "" {
		options = append(options, grpc.WithDefaultServiceConfig(config))
	}
	return grpc.NewClient(target, options...)
}

func call(connection *grpc.ClientConn, result *report) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	request, response := []byte{0}, []byte{}
	if err := connection.Invoke(ctx, method, &request, &response); err != nil {
		result.Errors[status.Convert(err).Message()]++
	} else {
		result.Counts[string(response)]++
	}
}

func callWithoutPause(connection *grpc.ClientConn) func() report {
	end, results := make(chan struct{}), make(chan report, workers)
	var running sync.WaitGroup
	for range workers {
		running.Add(1)
		go func() {
			defer running.Done()
			result := newReport()
			for {
				select {
				case <-end:
					results <- result
					return
				default:
					call(connection, &result)
					time.Sleep(time.Millisecond)
				}
			}
		}()
	}
	return func() report {
		close(end)
		running.Wait()
		close(results)
		sum := newReport()
		for result := range results {
			for server, count := range result.Counts {
				sum.Counts[server] += count
			}
			for message, count := range result.Errors {
				sum.Errors[message] += count
			}
		}
		return sum
	}
}

func show(result report) {
	text, _ := json.Marshal(result)
	fmt.Println(string(text))
}
