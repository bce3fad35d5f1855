export {
	CONFIG_PREFIX_SEPARATOR,
	externalDataInterceptor,
	getSSOTokenFilepath,
	loadSharedConfigFiles,
} from '@smithy/shared-ini-file-loader';
