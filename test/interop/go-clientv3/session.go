package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/naming/resolver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
)

// session does what the lines of stdin say with the endpoints of a target, each with one line of JSON for an answer.
func session(ctx context.Context, client *clientv3.Client, target string) {
	manager, err := endpoints.NewManager(client, target)
	check(err)
	builder, err := resolver.NewBuilder(client)
	check(err)
	// The scheme's URL, and of its path all but the first slash.
	connection, err := grpc.NewClient("etcd:///"+target, grpc.WithResolvers(builder),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer connection.Close()
	leases := map[string]clientv3.LeaseID{}

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch words[0] {
		case "list":
			answer(list(ctx, manager))
		case "call":
			answer(callAround(ctx, connection))
		case "add":
			lease, err := client.Grant(ctx, 60)
			check(err)
			leases[words[1]] = lease.ID
			endpoint := endpoints.Endpoint{Addr: words[1]}
			if len(words) == 3 {
				check(json.Unmarshal([]byte(words[2]), &endpoint.Metadata))
			}
			check(manager.AddEndpoint(ctx, target+"/"+words[1], endpoint, clientv3.WithLease(lease.ID)))
			answer(words[1])
		case "delete":
			check(manager.DeleteEndpoint(ctx, target+"/"+words[1]))
			answer(words[1])
		case "revoke":
			_, err := client.Revoke(ctx, leases[words[1]])
			check(err)
			answer(words[1])
		}
	}
}

// list returns the addresses of the target by key.
func list(ctx context.Context, manager endpoints.Manager) map[string]string {
	found, err := manager.List(ctx)
	check(err)
	addresses := map[string]string{}
	for key, endpoint := range found {
		addresses[key] = endpoint.Addr
	}
	return addresses
}

// callAround makes calls until each server has had several, and returns who answered. What they answer is of no concern.
func callAround(ctx context.Context, connection *grpc.ClientConn) []string {
	health := grpc_health_v1.NewHealthClient(connection)
	answered := map[string]bool{}
	for range 20 {
		var from peer.Peer
		_, _ = health.Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true), grpc.Peer(&from))
		if from.Addr != nil {
			answered[from.Addr.String()] = true
		}
	}
	addresses := []string{}
	for address := range answered {
		addresses = append(addresses, address)
	}
	sort.Strings(addresses)
	return addresses
}

func answer(value any) {
	text, err := json.Marshal(value)
	check(err)
	fmt.Println(string(text))
}
