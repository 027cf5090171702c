import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import protobuf from 'protobufjs'
import { licensesOf } from './licenses.mjs'

/** CommonJS packages inside an ES module still ask for these. */
const COMMONJS_GLOBALS = [
  "import { createRequire as __createRequire } from 'node:module'",
  "import { fileURLToPath as __fileURLToPath } from 'node:url'",
  'const require = __createRequire(import.meta.url)',
  "const __dirname = __fileURLToPath(new URL('.', import.meta.url))",
].join('\n')

/** Packages that read files of their own: they stay where they are installed. */
const WITH_FILES = ['@grpc/reflection', 'grpc-health-check']

/** What runs as a process of its own, by the path in dist/: workers of a proxy, and what the demo starts. */
const PROGRAMS = ['src/cli/proxy/worker.ts', 'src/demo/backend.ts', 'src/demo/guardian.ts', 'src/demo/load.ts']

/**
 * Bundles the launcher, the help, every command and the programs they start into dist/, with the chunks they share and the
 * licences of the packages in them.
 */
export async function bundleCommandLine() {
  const { metafile } = await build({
    entryPoints: ['src/cli/main.ts', 'src/cli/help.ts', 'src/commands/**/*.ts', ...PROGRAMS],
    outdir: 'dist',
    outbase: 'src',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.20',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner: { js: COMMONJS_GLOBALS },
    // Development aids of Ink and oclif, loaded only where they are installed and asked for.
    external: ['react-devtools-core', 'typescript', ...WITH_FILES],
    plugins: [prebuiltProtos],
    logLevel: 'warning',
    metafile: true,
  })
  await writeFile('dist/THIRD-PARTY-LICENSES.txt', await licensesOf(metafile))
}

/** The .proto files of packages that are bundled, by the name that they are asked for. */
const PACKAGED_PROTOS = {
  'rpc.proto': 'node_modules/etcd3/proto/rpc.proto',
  'channelz.proto': 'node_modules/@grpc/grpc-js/proto/channelz.proto',
}

/**
 * Replaces @grpc/proto-loader by one that has the .proto files of packages built in: parsing them takes tens of milliseconds. Our own
 * files are read as they are, with all that reflection wants to know.
 */
const prebuiltProtos = {
  name: 'prebuilt-protos',
  setup(bundler) {
    const loader = fileURLToPath(new URL('proto-loader.mjs', import.meta.url))
    bundler.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ importer }) =>
      /src\/core\/protos\/[^/]+$/.test(importer) ? undefined : { path: loader },
    )
    bundler.onResolve({ filter: /^virtual:protos$/ }, ({ path }) => ({ path, namespace: 'protos' }))
    bundler.onLoad({ filter: /.*/, namespace: 'protos' }, async () => {
      const protos = await Promise.all(Object.entries(PACKAGED_PROTOS).map(prebuilt))
      return { contents: JSON.stringify(Object.fromEntries(protos)), loader: 'json' }
    })
  },
}

/** As text, so that a command pays only for those that it uses. */
async function prebuilt([name, file]) {
  const root = await new protobuf.Root().load(file, { keepCase: true })
  return [name, JSON.stringify(root.toJSON())]
}
