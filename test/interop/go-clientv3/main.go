// Command clientv3-interop uses a registry as Go programs use etcd and prints what it saw as one JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/naming/resolver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fail(errors.New("usage: clientv3-interop HOST:PORT [TARGET]"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	client, err := clientv3.New(clientv3.Config{
		Endpoints:   []string{os.Args[1]},
		DialTimeout: 5 * time.Second,
		// A real etcd may be older than this client would have it.
		RejectOldCluster: len(os.Args) == 2,
	})
	check(err)
	defer client.Close()
	if len(os.Args) == 3 {
		session(ctx, client, os.Args[2])
		return
	}

	report := map[string]any{}
	for name, step := range map[string]func(context.Context, *clientv3.Client) any{
		"kv":         kv,
		"txn":        txn,
		"watch":      watch,
		"compaction": compaction,
		"lease":      lease,
		"lock":       lock,
		"naming":     naming,
		"cluster":    cluster,
	} {
		report[name] = step(ctx, client)
	}
	check(json.NewEncoder(os.Stdout).Encode(report))
}

func kv(ctx context.Context, client *clientv3.Client) any {
	for _, key := range []string{"kv/b", "kv/a", "kv/c"} {
		_, err := client.Put(ctx, key, "value of "+key)
		check(err)
	}
	found, err := client.Get(ctx, "kv/", clientv3.WithPrefix(), clientv3.WithLimit(2),
		clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend))
	check(err)
	deleted, err := client.Delete(ctx, "kv/", clientv3.WithPrefix(), clientv3.WithPrevKV())
	check(err)
	keys := []string{}
	for _, pair := range found.Kvs {
		keys = append(keys, string(pair.Key))
	}
	return map[string]any{"keys": keys, "count": found.Count, "more": found.More, "deleted": deleted.Deleted,
		"previous": string(deleted.PrevKvs[0].Value)}
}

func txn(ctx context.Context, client *clientv3.Client) any {
	create := func() bool {
		done, err := client.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision("txn/a"), "=", 0)).
			Then(clientv3.OpPut("txn/a", "1")).
			Else(clientv3.OpGet("txn/a")).
			Commit()
		check(err)
		return done.Succeeded
	}
	return []bool{create(), create()}
}

func watch(ctx context.Context, client *clientv3.Client) any {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	put, err := client.Put(ctx, "watch/a", "0")
	check(err)
	changes := client.Watch(ctx, "watch/", clientv3.WithPrefix(), clientv3.WithPrevKV(),
		clientv3.WithRev(put.Header.Revision), clientv3.WithFragment())
	_, err = client.Put(ctx, "watch/a", "1")
	check(err)
	_, err = client.Delete(ctx, "watch/a")
	check(err)
	seen := []string{}
	for response := range changes {
		check(response.Err())
		for _, event := range response.Events {
			text := fmt.Sprintf("%s %s=%s", event.Type, event.Kv.Key, event.Kv.Value)
			if event.PrevKv != nil {
				text += fmt.Sprintf(" was %s", event.PrevKv.Value)
			}
			seen = append(seen, text)
		}
		if len(seen) == 3 {
			break
		}
	}
	check(client.RequestProgress(ctx))
	progress := <-changes
	return map[string]any{"events": seen, "progress": progress.IsProgressNotify()}
}

func compaction(ctx context.Context, client *clientv3.Client) any {
	put, err := client.Put(ctx, "compaction", "1")
	check(err)
	_, err = client.Put(ctx, "compaction", "2")
	check(err)
	_, err = client.Compact(ctx, put.Header.Revision+1)
	check(err)
	_, err = client.Get(ctx, "compaction", clientv3.WithRev(put.Header.Revision))
	refused := <-client.Watch(ctx, "compaction", clientv3.WithRev(put.Header.Revision))
	return map[string]any{
		"get":   errors.Is(err, rpctypes.ErrCompacted),
		"watch": errors.Is(refused.Err(), rpctypes.ErrCompacted) && refused.CompactRevision == put.Header.Revision+1,
	}
}

func lease(ctx context.Context, client *clientv3.Client) any {
	granted, err := client.Grant(ctx, 5)
	check(err)
	_, err = client.Put(ctx, "lease/a", "1", clientv3.WithLease(granted.ID))
	check(err)
	ctxAlive, cancel := context.WithCancel(ctx)
	alive, err := client.KeepAlive(ctxAlive, granted.ID)
	check(err)
	first := <-alive
	cancel()
	left, err := client.TimeToLive(ctx, granted.ID, clientv3.WithAttachedKeys())
	check(err)
	_, err = client.Revoke(ctx, granted.ID)
	check(err)
	gone, err := client.Get(ctx, "lease/a")
	check(err)
	_, err = client.KeepAliveOnce(ctx, granted.ID)
	return map[string]any{"ttl": first.TTL, "granted": left.GrantedTTL, "keys": len(left.Keys), "after": gone.Count,
		"lost": errors.Is(err, rpctypes.ErrLeaseNotFound)}
}

func lock(ctx context.Context, client *clientv3.Client) any {
	holder, err := concurrency.NewSession(client, concurrency.WithTTL(5))
	check(err)
	defer holder.Close()
	waiter, err := concurrency.NewSession(client, concurrency.WithTTL(5))
	check(err)
	defer waiter.Close()
	held, wanted := concurrency.NewMutex(holder, "lock"), concurrency.NewMutex(waiter, "lock")
	check(held.Lock(ctx))
	refused := wanted.TryLock(ctx)
	acquired := make(chan error, 1)
	go func() { acquired <- wanted.Lock(ctx) }()
	check(held.Unlock(ctx))
	check(<-acquired)
	return errors.Is(refused, concurrency.ErrLocked)
}

func naming(ctx context.Context, client *clientv3.Client) any {
	manager, err := endpoints.NewManager(client, "naming/web")
	check(err)
	updates, err := manager.NewWatchChannel(ctx)
	check(err)
	address := os.Args[1]
	check(manager.AddEndpoint(ctx, "naming/web/"+address, endpoints.Endpoint{Addr: address}))
	added := (<-updates)[0]
	listed, err := manager.List(ctx)
	check(err)

	builder, err := resolver.NewBuilder(client)
	check(err)
	connection, err := grpc.NewClient("etcd:///naming/web", grpc.WithResolvers(builder),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	defer connection.Close()
	connection.Connect()
	for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
		if !connection.WaitForStateChange(ctx, state) {
			fail(fmt.Errorf("the resolved connection stayed %s", state))
		}
	}

	check(manager.DeleteEndpoint(ctx, "naming/web/"+address))
	removed := (<-updates)[0]
	return map[string]any{"added": added.Endpoint.Addr == address, "listed": len(listed),
		"removed": removed.Op == endpoints.Delete, "connected": true}
}

func cluster(ctx context.Context, client *clientv3.Client) any {
	check(client.Sync(ctx))
	status, err := client.Status(ctx, client.Endpoints()[0])
	check(err)
	alarms, err := client.AlarmList(ctx)
	check(err)
	return map[string]any{"version": status.Version, "leads": status.Leader == status.Header.MemberId,
		"endpoints": len(client.Endpoints()), "alarms": len(alarms.Alarms)}
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
